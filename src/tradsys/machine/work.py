"""How much memory the usual pieces of work take: measured once, and asked before each of them starts."""

from dataclasses import dataclass

from tradsys.machine.plan import Plan

_IMPORTS = 500 * 10**6
"""A process with everything imported and compiled that research needs; a run of 7,000 bars took 501 MB."""

_TORCH = 650 * 10**6
"""What torch and one small network's training add, with the build that carries CUDA; the processor's takes less."""

_ROW = 3_000
"""A bar of a symbol in `tradsys run`; 128,000 bars of four symbols took 723 MB."""

_RANKED_ROW = 300
"""A bar of a symbol in `tradsys rank`, which fits nothing; 925,000 bars of 30 symbols took 597 MB in all."""

_SEED = 120 * 10**6
"""A seed more of the journal's largest network trained side by side; two of them took 230 MB beyond a run's."""

_MARKET = {"fast": 850 * 10**6, "full": 1_700 * 10**6}
"""A process that tries simulated markets of five hourly years one after the other, at its largest after 40 of them."""

_REPLAY, _REPLAY_ROW, _REPLAY_TORCH = 300 * 10**6, 500, 530 * 10**6
"""A stored run decided again: 129,280 bars of four symbols took 328 MB, and 847 MB where a network had forecast."""

_DECIDE = 260 * 10**6
"""A process that loads a bundle and decides; the same whatever it was trained on."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be done, the memory it takes at its peak, and what a smaller machine could do instead."""

    name: str
    n_bytes: int
    instead: str

    @property
    def sentence(self) -> str:
        """The work and its size."""
        return f"{self.name}: about {self.n_bytes / 10**6:,.0f} MB"

    def check(self, plan: Plan) -> None:
        """Raise MachineError where the plan has no room for it."""
        plan.demand(self.name, self.n_bytes, self.instead)


def decide_work() -> Work:
    """A bot that decides with a bundle."""
    return Work("deciding with a bundle", _DECIDE, "close other programs, or take a larger machine")


def run_work(n_rows: int, *, has_network: bool) -> Work:
    """`tradsys run` on this many bars of all symbols together, one process."""
    n_bytes = _IMPORTS + n_rows * _ROW + has_network * _TORCH
    rest = "this machine can still decide with a bundle that another one trained"
    fewer = "take fewer bars or symbols, or --agent logistic" if has_network else "take fewer bars or symbols"
    name = f"a run of {n_rows:,} bars" + (" with a network" if has_network else " without a network")
    return Work(name, n_bytes, f"{fewer}; {rest}")


def rank_work(n_rows: int) -> Work:
    """`tradsys rank` on this many bars of all symbols together."""
    return Work(f"ranking {n_rows:,} bars", _IMPORTS + n_rows * _RANKED_ROW, "take fewer bars or symbols")


def tune_work(n_rows: int, *, has_network: bool) -> Work:
    """One process of `tradsys tune` on this many bars before the lock-box."""
    one = run_work(n_rows, has_network=has_network)
    return Work(f"tuning on {n_rows:,} bars, in each process,", one.n_bytes, one.instead)


def claims_work(n_rows: int, n_seeds: int) -> Work:
    """`tradsys compare --objectives` on this many bars, so many seeds trained side by side."""
    n_bytes = run_work(n_rows, has_network=True).n_bytes + n_seeds * _SEED
    name = f"comparing objectives on {n_rows:,} bars, {n_seeds} seeds at once,"
    return Work(name, n_bytes, "take fewer bars, or a smaller --group")


def calibrate_work(preset: str) -> Work:
    """One process of `tradsys calibrate`."""
    rest = "--preset fast takes half of it" if preset == "full" else "take a larger machine"
    return Work(f"trying {preset} markets, in each process,", _MARKET[preset], rest)


def replay_work(n_rows: int, *, has_network: bool) -> Work:
    """A stored run of this many bars read back and decided again, without fitting anything."""
    n_bytes = _REPLAY + n_rows * _REPLAY_ROW + has_network * _REPLAY_TORCH
    return Work(f"reading back a run of {n_rows:,} bars", n_bytes, "close other programs, or take a larger machine")


EXAMPLES = (
    decide_work(),
    run_work(7_000, has_network=False),
    run_work(43_800, has_network=False),
    run_work(43_800, has_network=True),
    run_work(4 * 43_800, has_network=True),
)
"""What the check-up lists: the sample is 7,000 bars long, five hourly years are 43,800."""
