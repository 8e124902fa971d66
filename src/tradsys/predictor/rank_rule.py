"""The rule of ranks: who is measured against whom, who is held on which side, and what share of equity each gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import ConfigError
from tradsys.core.identity import digest
from tradsys.data.panel import PricePanel
from tradsys.features.universe_ranks import LEAST, compared, momentum, raw_momentum

NAME: Final = "RANK"


@dataclass(frozen=True, slots=True)
class RankRule:
    """Rule of a market-neutral portfolio: the `k` strongest and weakest by `lookback` bars, held for `horizon` bars.

    Without `k` each side is a fifth of those ranked.
    The signal is the return, or that in standard deviations; `contrarian` turns the two sides round.
    """

    lookback: int = 168
    horizon: int = 24
    k: int | None = None
    signal: Literal["return", "standard"] = "return"
    contrarian: bool = False

    def __post_init__(self) -> None:
        if min(self.lookback, self.horizon, 1 if self.k is None else self.k) < 1:
            raise ConfigError(f"lookback, horizon and k must be at least 1, were {self}")

    @property
    def name(self) -> str:
        return NAME

    @property
    def digest(self) -> str:
        return digest(self)[:16]

    @property
    def description(self) -> str:
        """The rule in one sentence, for the report."""
        who = "a fifth" if self.k is None else str(self.k)
        sides = ("weakest", "strongest") if self.contrarian else ("strongest", "weakest")
        return (
            f"Long {who} {sides[0]}, short {who} {sides[1]} by the return over {self.lookback} bars"
            f"{' in standard deviations' if self.signal == 'standard' else ''}, equal notional, "
            f"chosen again every {self.horizon} bars"
        )

    def measured(self, panel: PricePanel, frames: Mapping[str, pl.DataFrame], member: BoolArray) -> FloatArray:
        """The signal of each member at every close, (n_times, n_symbols); NaN for who is not compared."""
        measure = raw_momentum if self.signal == "return" else momentum
        return compared(measure(panel, frames, self.lookback), member)

    def is_due(self, times: IntArray, bar_ms: int) -> BoolArray:
        """Whether it chooses at these closes: on a grid of `horizon` bars since 1970."""
        return np.asarray(times % (self.horizon * bar_ms) == 0, dtype=bool)

    def sides(self, values: FloatArray, symbols: Sequence[str]) -> FloatArray:
        """1 for a long, -1 for a short, else 0, from momentum (n_times, n_symbols), NaN for who is not ranked.

        Nobody is held where fewer than `LEAST` symbols are ranked or two sides of `k` do not fit. Of equal values the
        first by name is the weaker.
        """
        by_name = np.argsort(np.array(symbols), kind="stable")
        order = by_name[np.argsort(values[:, by_name], axis=1, kind="stable")]  # NaN last
        n = np.isfinite(values).sum(axis=1)
        k = np.maximum(n // 5, 1) if self.k is None else np.full(len(n), self.k)
        k = np.where((n >= LEAST) & (2 * k <= n), k, 0)
        nth = np.arange(values.shape[1])
        weak = nth < k[:, None]
        strong = (nth >= (n - k)[:, None]) & (nth < n[:, None])
        sides = np.zeros(values.shape)
        np.put_along_axis(sides, order, strong.astype(np.float64) - weak, axis=1)
        return -sides if self.contrarian else sides


def weights_of(sides: FloatArray, gross: float) -> FloatArray:
    """Equal shares of the equity for all that are held, `gross` together, with their sides; (n_times, n_symbols)."""
    n_held = np.maximum(np.abs(sides).sum(axis=1, keepdims=True), 1.0)
    return np.asarray(gross * sides / n_held)
