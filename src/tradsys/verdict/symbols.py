"""Who carries a pool: each symbol's own money after costs, counted over all symbols of all trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.verdict.legs import bootstrapped
from tradsys.verdict.results import VerdictSpec
from tradsys.verdict.sharpe import chance_of_none
from tradsys.verdict.stepdown import romano_wolf

CARRIED = 0.8
"""Share of a profit that its carriers earned, the fewest symbols that earned as much."""


@dataclass(frozen=True, slots=True)
class SymbolEvidence:
    """The t of a symbol's daily contributions, and its p stepped down over all symbols of a run's own profiles."""

    t: float
    p_own: float


def symbol_evidence(
    contributions: Mapping[str, FloatArray], n_trades: Mapping[str, Sequence[int]], spec: VerdictSpec, seed: int
) -> dict[str, list[SymbolEvidence | None]]:
    """Of each profile and symbol, from daily net contributions (n_symbols, n_days) a profile.

    By the verdict's bootstrap. Symbols with fewer trades than a verdict asks for, or that never move, have no t and
    count by their number.
    """
    names = list(contributions)
    daily = np.concatenate([contributions[name] for name in names])
    n = np.concatenate([np.asarray(n_trades[name]) for name in names])
    live = (n >= spec.min_trades) & (np.ptp(daily, axis=1) > 0)
    found: list[SymbolEvidence | None] = [None] * len(daily)
    if live.any() and daily.shape[1] >= spec.min_days:
        tested = bootstrapped(daily[live], spec, seed)
        p = romano_wolf(tested.t, tested.draws)
        for row, t, own in zip(np.flatnonzero(live), tested.t, p, strict=True):
            found[row] = SymbolEvidence(float(t), counted(float(own), float(t), int((~live).sum())))
    n_symbols = len(next(iter(contributions.values())))
    return {name: found[k * n_symbols : (k + 1) * n_symbols] for k, name in enumerate(names)}


def counted(p: float, t: float, n_unseen: int) -> float:
    """A p-value among `n_unseen` more that are known only by number, each independent and standard normal.

    >>> round(counted(0.01, 3.0, 20), 3)
    0.036
    """
    return 1.0 - (1.0 - p) * chance_of_none(t, n_unseen)


def carriers(profits: Mapping[str, float]) -> tuple[str, ...]:
    """The fewest symbols that earned four fifths of all profit together, where they are a quarter of them or one alone.

    Empty where nothing was earned, where there is one symbol, or where it takes more of them.

    >>> carriers({"BTC": 90.0, "ETH": -5.0, "SOL": 10.0, "BNB": 5.0}), carriers({"BTC": 50.0, "ETH": 50.0})
    (('BTC',), ())
    """
    total = sum(profits.values())
    if total <= 0 or len(profits) < 2:
        return ()
    best = sorted(profits, key=lambda name: -profits[name])
    so_far = np.cumsum([profits[name] for name in best])
    n = int(np.argmax(so_far >= CARRIED * total)) + 1
    return tuple(best[:n]) if n <= max(1, len(profits) // 4) else ()
