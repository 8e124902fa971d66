"""Alignment of earlier trials with the days and bars of the run that is being judged."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, Float32Array, FloatArray
from tradsys.journal.trial import TrialSeries

MIN_COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Aligned:
    """A trial on the judged run's days and grid: daily (n_days,), position (n_symbols, n_grid), trades in that time.

    `delayed` (n_days,) are the daily net returns with every order one bar later, None where that was not simulated.
    """

    daily: FloatArray
    position: Float32Array
    n_trades: float
    delayed: FloatArray | None = None


def aligned(trial: TrialSeries, run: TrialSeries) -> Aligned | None:
    """The trial as it looks on the days and bars of `run`, or None where it can only be counted.

    The run is judged on all of its own days. A trial that covers at least 95% of them, and of its bars, takes part with
    zeros on the few that it lacks; one that covers less, or trades other symbols, only counts: that costs power and
    never makes a verdict too kind. Trades are pro-rated by the share of held bars that the run has too.
    """
    rows = _rows(trial.symbols, run.symbols)
    if rows is not None and np.array_equal(trial.days, run.days) and np.array_equal(trial.grid, run.grid):
        return Aligned(trial.daily, _on_rows(trial.position, rows, len(run.symbols)), trial.n_trades, trial.delayed)
    has_day = np.isin(run.days, trial.days, assume_unique=True)
    has_bar = np.isin(run.grid, trial.grid, assume_unique=True)
    if rows is None or has_day.mean() < MIN_COVERAGE or has_bar.mean() < MIN_COVERAGE:
        return None
    on_days = np.searchsorted(trial.days, run.days[has_day])
    daily = _on_days(trial.daily[on_days], has_day)
    delayed = None if trial.delayed is None else _on_days(trial.delayed[on_days], has_day)
    position = np.zeros((len(rows), len(run.grid)), np.float32)
    position[:, has_bar] = trial.position[:, np.searchsorted(trial.grid, run.grid[has_bar])]
    position = _on_rows(position, rows, len(run.symbols))
    held = np.count_nonzero(trial.position)
    share = np.count_nonzero(position) / held if held else 0.0
    return Aligned(daily, position, trial.n_trades * share, delayed)


def _on_days(values: FloatArray, has_day: BoolArray) -> FloatArray:
    """Daily returns on all of the run's days; those that the trial lacks are flat."""
    daily = np.zeros(len(has_day))
    daily[has_day] = values
    return daily


def _on_rows(position: Float32Array, rows: list[int], n_symbols: int) -> Float32Array:
    """Positions moved to the run's rows; symbols that the trial left alone are flat."""
    if rows == list(range(n_symbols)):
        return position
    moved = np.zeros((n_symbols, position.shape[1]), np.float32)
    moved[rows] = position
    return moved


def _rows(symbols: tuple[str, ...], run_symbols: tuple[str, ...]) -> list[int] | None:
    """Row of each of the trial's symbols in the run; where each has one symbol they match under any name."""
    if len(symbols) == len(run_symbols) == 1:
        return [0]
    if not set(symbols) <= set(run_symbols):
        return None
    return [run_symbols.index(symbol) for symbol in symbols]
