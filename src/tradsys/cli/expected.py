"""What a run is expected to take, said before it starts, and what would take less where that is long."""

from typing import Final

from tradsys.cli.progress import in_words
from tradsys.machine.plan import Plan, Work

_START_S: Final = 10.0
_WALK_S, _PATHS_S = 80e-6, 0.5e-3
"""Seconds of one core a bar: for each fold, and for the paths and all else; 43,800 bars in 6 folds took 50 s."""

LONG_S: Final = 600.0
"""From here on it is said what would be quicker."""

_FEWER: Final = 2


def expected_seconds(n_rows: int, n_folds: int) -> float:
    """How long a run of this many bars of all symbols together takes on one core, but for training a network."""
    return _START_S + n_rows * (n_folds * _WALK_S + _PATHS_S)


def expected_text(work: Work, plan: Plan, n_rows: int, n_folds: int, n_processes: int = 1) -> str:
    """Memory and time in one line, and a second one where that is long."""
    seconds = expected_seconds(n_rows, n_folds)
    training = ", and the training of a network in each fold besides" if work.trains_network else ""
    shared = f", done by {n_processes} processes" if n_processes > 1 else ""
    text = (
        f"expected: about {work.n_bytes / 1e9:,.1f} GB of the {plan.memory_bytes / 1e9:,.1f} GB, and about "
        f"{in_words(seconds)} on a core of 2026 that does nothing else{training}{shared}"
    )
    if seconds < LONG_S:
        return text
    quicker = f"--set folds.n_folds={_FEWER} about {in_words(expected_seconds(n_rows, _FEWER))}"
    fifth = in_words(expected_seconds(n_rows // 5, n_folds))
    return f"{text}\n  quicker: bars that are five times as long, or a fifth of them, take about {fifth}; {quicker}"
