"""`tradsys run`: the main job, from bars to a verdict, a report and a bundle; and what `tradsys rank` does alike."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.options import Agent, Bars, JudgedOptions, OutsideOptions, ReadingOptions, Seed, spread
from tradsys.cli.printed_json import printed_json

if TYPE_CHECKING:
    from tradsys.cli.loading import Loaded
    from tradsys.data.market import Market
    from tradsys.journal.ledger import Ledger
    from tradsys.machine.plan import Plan
    from tradsys.research.procedures.procedure import Procedure
    from tradsys.settings.config import RunConfig


UNPROVEN = 4
"""Exit code under --require-proven where the deployed profile is not proven."""


@spread
def command(
    bars: Bars = ["sample"],  # noqa: B006  # typer reads the default and never changes it
    reading: ReadingOptions = ReadingOptions(),
    agent: Agent = None,
    objective: Annotated[str | None, typer.Option(help="What a network is trained on: bce, focal or supcon.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Bars until a trade is closed by time.", min=1)] = None,
    profile: Annotated[str | None, typer.Option(help="Profile to deploy; otherwise STRATEGY_PROFILE.")] = None,
    outside: OutsideOptions = OutsideOptions(),
    seed: Seed = None,
    judged: JudgedOptions = JudgedOptions(),
) -> int:
    """From bars to a verdict: features, labels, folds, agents, profiles, simulated trades, report, bundle."""
    from tradsys.cli.expected import expected_text
    from tradsys.cli.loading import Needs, configured_work, load, market_text, overrides
    from tradsys.journal.ledger import Ledger
    from tradsys.research.procedures.experiment import ExperimentProcedure

    given = {
        "seed": seed,
        "agent.name": agent,
        "agent.objective": objective,
        "labels.horizon": horizon,
        "strategy_profile": profile,
        "plugins": judged.plugin,
        "machine.processes": judged.processes,
        **outside.overrides,
    }
    ledger = Ledger(judged.journal / "ledger.jsonl")
    needs = Needs("run", ("jinja2",))
    loaded = load(
        reading.of(bars), overrides(judged.settings, given), needs=needs, file=judged.config, work=configured_work
    )
    if not judged.as_json:
        n_rows, config = len(loaded.market.bars), loaded.config
        n_processes = loaded.n_processes
        expected = expected_text(
            configured_work(config, n_rows), loaded.plan, n_rows, config.folds.n_folds, n_processes
        )
        typer.echo(f"{market_text(loaded.market)}\n{loaded.deployed_text}\n{loaded.plan_text}\n{expected}")
    return carry_out(ExperimentProcedure.of, loaded, judged, ledger)


def carry_out(
    procedure: "Callable[[Market, RunConfig, Plan | None], Procedure]",
    loaded: "Loaded",
    judged: JudgedOptions,
    ledger: "Ledger",
) -> int:
    """Run it and print its verdict; the exit code is that of the command."""
    from tradsys.cli.progress import reporter
    from tradsys.cli.summary import summary
    from tradsys.report import render
    from tradsys.research.run import run

    n_processes = loaded.n_processes
    with loaded.working() as executor:
        if judged.open_lockbox:
            _confirm_opening(loaded, is_sure=judged.yes)
        with reporter(quiet=judged.as_json) as progress:
            stored = run(
                loaded.market,
                loaded.config,
                procedure=procedure,
                root=judged.out,
                ledger=ledger,
                open_the_lockbox=judged.open_lockbox,
                hypothesis=judged.hypothesis,
                plan=loaded.plan.shared(n_processes),
                executor=executor,
                progress=progress,
                render=render,
            )
    if judged.as_json:
        shown = {"run": str(stored.folder), "verdict": stored.verdict.to_json(), "report": str(stored.report)}
        typer.echo(printed_json(shown, indent=1))
    else:
        typer.echo(f"{summary(stored)}\n  report: {stored.report}")
    return UNPROVEN if judged.require_proven and not stored.is_proven else 0


def _confirm_opening(loaded: "Loaded", *, is_sure: bool) -> None:
    """Refuse to open a lock-box that cannot be judged, then ask: it can be opened for the first time only once."""
    import sys

    from tradsys.core.errors import ConfigError
    from tradsys.research.judging.trials import check_lockbox

    settings = loaded.config
    check_lockbox(loaded.market, settings.folds.lockbox, settings.verdict)
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise ConfigError(
            "--open-lockbox spends the part of the history that nobody has looked at, for good, and there is no "
            "terminal to ask on; add --yes where that is meant"
        )
    question = (
        "Open the lock-box? Only once can it be looked at for the first time, and the ledger records it for good."
    )
    if not typer.confirm(question):
        raise ConfigError("the lock-box stays closed, as you answered; run without --open-lockbox")
