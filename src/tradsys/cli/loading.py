"""What a command works with: packages, settings, the market that they describe, and the plan that has room for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from tradsys.core.errors import ConfigError, MissingExtraError
from tradsys.core.extras import absent, to_install
from tradsys.machine.plan import Work

if TYPE_CHECKING:
    from tradsys.data.market import Market
    from tradsys.machine.executor import Executor
    from tradsys.machine.plan import Plan, Work
    from tradsys.research.judging.rejudge import Replay
    from tradsys.settings.config import RunConfig


_FOLDED: Final = frozenset({"run", "train", "lookahead"})
"""Commands whose folds are adapted to a short history."""


_SHARED_OUT: Final = frozenset({"run", "lookahead", "rank"})
"""Commands whose work several processes do, which may begin before the data are read."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, bars with all that was asked for, and what the work may take of the machine.

    `profile_from` is what named the deployed profile, e.g. "by STRATEGY_PROFILE in .env".
    """

    config: "RunConfig"
    market: "Market"
    plan: "Plan"
    profile_from: str
    work: Work
    begun: "Begun | None" = None

    @property
    def n_processes(self) -> int:
        """How many the settings ask for, or as many as this work has use and the plan room for."""
        return processes_for(self.work, len(self.market.bars), self.plan, self.config.machine.processes)

    @contextmanager
    def working(self) -> "Iterator[Executor]":
        """So many processes while the block lasts: those that have begun already, where they are as many."""
        n_processes = self.n_processes
        if self.begun is not None and self.begun.executor.n_processes == n_processes:
            with self.begun.ends:
                yield self.begun.executor
            return
        if self.begun is not None:
            self.begun.ends.close()
        with working(n_processes) as executor:
            yield executor

    @property
    def deployed_text(self) -> str:
        """The profile that is deployed, and which place named it."""
        return f"{self.config.strategy_profile.upper()} is deployed, {self.profile_from}"

    @property
    def plan_text(self) -> str:
        """What the work may take of the machine."""
        return self.plan.sentence_of(self.work)


def load(
    bars: Sequence[str],
    overrides: Mapping[str, Any],
    *,
    needs: "Needs",
    file: Path | None,
    work: Callable[["RunConfig", int], "Work"],
    config: "RunConfig | None" = None,
    ranks: bool = False,
) -> Loaded:
    """Settings, market and plan; `work` estimates what is to be done with these settings on so many rows of bars.

    What the command `needs`, what a network does where it is to train one, and whether there is a profile of the
    deployed one's name is asked for before anything is loaded.

    Settings that the command does not read, and dangerous ones, are told on the error stream.
    `overrides` are dotted keys of the command line, `file` what --config named. `config` stands for the settings where
    the command has changed them already; `ranks` loads no more than `tradsys rank` reads. Work that does not fit is a
    MachineError.
    """
    from tradsys.cli.told import profile_origin, tell
    from tradsys.data.settings import DataSettings
    from tradsys.settings.config import RunConfig
    from tradsys.settings.market import configured_market, ranked_market
    from tradsys.settings.unread import is_read

    command = "lookahead --rank" if ranks and needs.command == "lookahead" else needs.command
    settled = config or RunConfig.load(file=file, overrides=overrides, is_read=partial(is_read, command))
    needs.check(settled.agent.name, trains_network=work(settled, 0).trains_network)
    tell(command, settled, file=file, overrides=overrides)
    if not ranks:
        from tradsys.profiles.catalogue import profile_named
        from tradsys.research.walk.experiment_spec import profiles_of

        profile_named(settled.strategy_profile, profiles_of(settled))
    data = DataSettings.load(file=file, overrides=overrides)
    with ExitStack() as failing:
        begun = None
        if needs.command in _SHARED_OUT:
            imports = _OF_RANKS if ranks else _OF_RUNS + _OF_NETWORKS * work(settled, 0).trains_network
            begun = begin_early(settled.machine.processes, imports)
        if begun is not None:
            failing.push(begun.ends)
        market = (ranked_market if ranks else configured_market)(bars, settled, data)
        to_do = work(settled, len(market.bars))
        plan = replace(plan_for(settled.machine.plan, to_do), compile=settled.machine.compile)
        if command in _FOLDED:
            from tradsys.research.walk.enough_history import with_enough_history

            settled, adapted = with_enough_history(market, settled)
            if adapted:
                typer.echo(adapted, err=True)
        profile_from = profile_origin(RunConfig.places(file=file, overrides=overrides).get("strategy_profile"))
        failing.pop_all()
        return Loaded(settled, market, plan, profile_from, to_do, begun)


def load_own_parts(plugins: Sequence[str] | None, file: Path | None = None) -> None:
    """Load the plugins that the command line or else the settings name, for a command that reads a stored run."""
    from tradsys.core.plugins import load_plugins
    from tradsys.core.settings import gather
    from tradsys.settings.config import plugin_names

    overrides = {} if plugins is None else {"plugins": plugins}
    values = gather(["plugins"], file=file, overrides=overrides, within="plugins")
    load_plugins(plugin_names(values.get("plugins")))


def market_text(market: "Market") -> str:
    """What was loaded, and what the importer repaired or noticed."""
    head = f"{len(market.bars):,} bars of {', '.join(market.symbols)} from {', '.join(market.sources)}"
    repaired = [f"  repaired: {one.told}" for one in market.repairs if one.changed]
    noticed = [f"  noticed: {one.told}" for one in market.repairs if not one.changed]
    return "\n".join([head, *repaired, *noticed])


def overrides(pairs: Sequence[str] | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """`KEY=VALUE` pairs and the options that were given; an option wins over a pair."""
    settings: dict[str, Any] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set takes KEY=VALUE, found {pair!r}; for example --set labels.horizon=6")
        settings[key.strip()] = value.strip()
    return settings | {key: value for key, value in options.items() if value is not None}


RESEARCH_BYTES: Final = 500 * 10**6
"""A process with everything imported and compiled that research needs; a run of 7,000 bars took 501 MB."""

_TORCH: Final = 750 * 10**6
"""What torch and one small network's training add, with the build that carries CUDA; the processor's takes less.

With it the 145,167 bars below took 1,791 MB.
"""

_COMPILING: Final = 150 * 10**6
"""What a first run takes more than the next, since it compiles the kernels."""

_ROW: Final = 3_500
"""A bar of a symbol in `tradsys run`: without a network one of 32,320 bars took 718 MB, four of 145,167 together 1,084
and twelve of 417,504 together 1,935, compiling included."""

_REPLAY, _REPLAY_ROW, _REPLAY_NETWORK = 300 * 10**6, 500, 530 * 10**6
"""A stored run decided again: 129,280 bars of four symbols took 328 MB, and 847 MB where a network had forecast."""


def run_work(n_rows: int, *, has_network: bool) -> Work:
    """`tradsys run` on this many bars of all symbols together, one process."""
    n_bytes = RESEARCH_BYTES + _COMPILING + n_rows * _ROW + has_network * _TORCH
    rest = "this machine can still decide with a bundle that another one trained"
    fewer = "take fewer bars or symbols, or --agent logistic" if has_network else "take fewer bars or symbols"
    name = f"a run of {n_rows:,} bars" + (" with a network" if has_network else " without a network")
    return Work(name, n_bytes, f"{fewer}; {rest}", trains_network=has_network)


def configured_work(config: "RunConfig", n_rows: int) -> Work:
    """The same with the agent of the settings."""
    return run_work(n_rows, has_network=config.agent.is_network)


def replay_work(n_rows: int, *, has_network: bool) -> Work:
    """A stored run of this many bars read back and decided again, without fitting anything."""
    n_bytes = _REPLAY + n_rows * _REPLAY_ROW + has_network * _REPLAY_NETWORK
    return Work(f"reading back a run of {n_rows:,} bars", n_bytes, "close other programs, or take a larger machine")


def plan_for(name: str, work: Work) -> "Plan":
    """The plan of that name, with room for this work once."""
    from tradsys.machine.health import accelerator
    from tradsys.machine.limits import limits
    from tradsys.machine.plan import make_plan

    # only a network looks for a card: torch takes two seconds to import
    plan = make_plan(limits(), name, accelerator() if work.trains_network else None)
    work.check(plan)
    return plan


def replayable(run: "Replay") -> "Replay":
    """The same run, where there is room to decide it again; for the moment that this takes, all room counts."""
    plan_for("beast", replay_work(run.metrics.market.n_bars, has_network=run.config.agent.is_network))
    return run


_WORKER, _WORKER_ROW = 450 * 10**6, 2_500
"""A process that does parts of a run beside the one that began it."""

_FEW_ROWS: Final = 6_000
"""Up to here a run is over before further processes would have begun to save anything."""


def worker_bytes(n_rows: int, *, has_network: bool) -> int:
    """What each process takes that does parts of a run on this many bars, beside the one that began it."""
    return _WORKER + n_rows * _WORKER_ROW + has_network * _TORCH


def processes_for(work: Work, n_rows: int, plan: "Plan", asked: int | None) -> int:
    """How many processes do the parts of a run: as many as are asked for and fit, or as the plan has room for.

    Where it is more than one, the process that begins them is there as well, and mostly waits for them.
    """
    each = worker_bytes(n_rows, has_network=work.trains_network)
    room = max(0, plan.memory_bytes - work.n_bytes) // each
    if asked is None:
        n_processes = min(plan.cpus, room) if n_rows > _FEW_ROWS else 1
        return n_processes if n_processes > 1 else 1
    if asked > 1:
        would_fit = f"--processes {room if room > 1 else 1} would fit"
        plan.demand(f"{work.name} in {asked} processes", work.n_bytes + asked * each, would_fit)
    return asked


_OF_RUNS: Final = ("tradsys.research.selection.combinatorial_paths", "tradsys.research.run", "xgboost")
_OF_NETWORKS: Final = ("torch",)
_OF_RANKS: Final = ("tradsys.research.procedures.ranks", "tradsys.research.run")
"""What their parts need, whichever they are."""


@contextmanager
def working(n_processes: int) -> "Iterator[Executor]":
    """Processes that do the parts of a run while the block lasts; they import what it needs at once."""
    from tradsys.machine.backends import open_executor

    with open_executor(n_processes, doing="did a part of the run", imports=_OF_RUNS[:1]) as executor:
        yield executor


@dataclass(frozen=True, slots=True)
class Begun:
    """Processes that were begun before it was known how many there will be; they end with the block of `ends`."""

    executor: "Executor"
    ends: ExitStack


def begin_early(asked: int | None, imports: Sequence[str]) -> Begun | None:
    """As many as are asked for, or one a core, as far as memory could go, forked before the data are read.

    None where that may not be. What the work needs is imported here first, since all of them share it: a fresh process
    would import it for itself. Once data are read there are threads that a fork would miss.
    """
    import importlib

    from tradsys.machine.forking import may_fork
    from tradsys.machine.limits import limits

    here = limits()
    most = min(here.cpus, here.free_bytes // _WORKER) if here.free_bytes else here.cpus
    n_processes = most if asked is None else asked
    if not (2 <= n_processes <= most and may_fork()):
        return None
    for name in imports:
        importlib.import_module(name)
    if not may_fork():
        return None
    ends = ExitStack()
    return Begun(ends.enter_context(working(n_processes)), ends)


def side_by_side(plan: "Plan", work: Work, asked: int | None) -> int:
    """How many processes do this work at once: as many as are asked for and fit, or as the plan has room for."""
    if asked is None:
        return plan.n_processes(work.n_bytes)
    room = plan.memory_bytes // work.n_bytes
    plan.demand(f"{asked} processes, {work.name}", asked * work.n_bytes, f"{room} would fit (--processes {room})")
    return asked


_NETWORK = ("torch", "onnx")
"""What the training of a network takes."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The modules that a command uses beyond the base, and which option asks for a network."""

    command: str
    modules: tuple[str, ...] = ()
    option: str = "--agent"

    def check(self, chosen: str, *, trains_network: bool) -> None:
        """A MissingExtraError where a module is absent, or one of a network's where `chosen` trains one."""
        others = absent(self.modules)
        missing = [*others, *(absent(_NETWORK) if trains_network else [])]
        if not missing:
            return
        reason = instead = ""
        if missing != others and self.option:
            reason = f" for {self.option} {chosen}"
            # where anything else is missing too, doing without the network does not help
            instead = "" if others else f", or take {self.option} logistic"
        raise MissingExtraError(f"{self.command} needs {_listed(missing)}{reason}; {to_install(missing)}{instead}")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
