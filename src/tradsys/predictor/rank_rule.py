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
from tradsys.features.universe_ranks import LEAST, compared, momentum, place, rank_rows, raw_momentum, total
from tradsys.features.universe_risk import CARRY, beta_over, funding_paid, trend, volatility_over
from tradsys.predictor.rank_weights import RESTART, Neutral, balanced, held_in_band, mean_of_last

NAME: Final = "RANK"

_SIGNALS: Final = {
    "return": "the return over {} bars",
    "standard": "the return over {} bars in standard deviations",
    "trend": "the trend over {} bars, in standard deviations and cut at two",
    "carry": "the funding paid over {} bars, the least first",
}

_HELD: Final = {"extremes": "", "ranks": "each by its rank", "signal": "each by its distance from the mean"}

_NEUTRAL: Final = {
    "dollar": "equal notional",
    "volatility": "both sides of equal volatility",
    "beta": "both sides of equal beta",
}


@dataclass(frozen=True, slots=True)
class WantedWeights:
    """The signal of whoever is compared, NaN for all others, and the shares wanted at every close.

    Both (n_times, n_symbols). Shares at closes between two choices are what would be chosen there.
    """

    signal: FloatArray
    weights: FloatArray


@dataclass(frozen=True, slots=True)
class RankRule:
    """Rule of a market-neutral portfolio: the `k` strongest and weakest by `lookback` bars, held for `horizon` bars.

    Without `k` each side is a fifth of those ranked. The signal is the return, that in standard deviations (of a day:
    `standard`; of `risk_lookback` bars and cut at two: `trend`) or the funding that a long was spared (`carry`);
    `contrarian` turns the two sides round. Instead of the `extremes`, all that are ranked can be held, by their `ranks`
    or by their `signal` less its mean. `weighting` by inverse volatility gives each position the same risk;
    `neutral` says what longs and shorts have in common: notional, volatility or beta. `overlap` holds the mean of so
    many choices, and `no_trade_band`, in average positions, leaves alone what is near enough to its target.
    """

    lookback: int = 168
    horizon: int = 24
    k: int | None = None
    signal: Literal["return", "standard", "trend", "carry"] = "return"
    contrarian: bool = False
    holds: Literal["extremes", "ranks", "signal"] = "extremes"
    weighting: Literal["equal", "inverse_volatility"] = "equal"
    neutral: Neutral = "dollar"
    risk_lookback: int = 720
    overlap: int = 1
    no_trade_band: float = 0.0

    def __post_init__(self) -> None:
        if min(self.lookback, self.horizon, 1 if self.k is None else self.k) < 1:
            raise ConfigError(f"lookback, horizon and k must be at least 1, were {self}")
        if min(self.risk_lookback, self.overlap) < 1:
            raise ConfigError(f"risk_lookback and overlap must be at least 1, were {self}")
        if not 0.0 <= self.no_trade_band <= 1.0:
            raise ConfigError(
                f"no_trade_band is a share of an average position between 0 and 1, was {self.no_trade_band}; 0.5 is "
                "usual, and beyond 1 a position that is wanted no longer would be kept whole"
            )
        if self.k is not None and self.holds != "extremes":
            raise ConfigError(f"k={self.k} counts extremes, and by {self.holds} all that are ranked are held; unset k")

    @property
    def name(self) -> str:
        return NAME

    @property
    def digest(self) -> str:
        return digest(self)[:16]

    @property
    def description(self) -> str:
        """The rule in one sentence, for the report."""
        by = _SIGNALS[self.signal].format(self.lookback)
        return f"{self._who} by {by}, {self._shares}, chosen again every {self.horizon} bars{self._saved}"

    @property
    def _who(self) -> str:
        strong, weak = ("weak", "strong") if self.contrarian else ("strong", "weak")
        if self.holds != "extremes":
            return f"Long the {strong}er half, short the {weak}er"
        who = "a fifth" if self.k is None else str(self.k)
        return f"Long {who} {strong}est, short {who} {weak}est"

    @property
    def _shares(self) -> str:
        parts = [_HELD[self.holds], _NEUTRAL[self.neutral]]
        if self.weighting == "inverse_volatility":
            parts.append(f"scaled by the inverse volatility of {self.risk_lookback} bars")
        return ", ".join(part for part in parts if part)

    @property
    def _saved(self) -> str:
        overlap = f", the mean of the last {self.overlap} choices" if self.overlap > 1 else ""
        band = f", left alone within {self.no_trade_band:g} of an average position" if self.no_trade_band else ""
        return overlap + band

    @property
    def rows(self) -> int:
        """Bars of a symbol that settle one choice among known members, those of the choices that it builds on too."""
        risk = (self.risk_lookback,) if self._is_risk_read else ()
        return rank_rows((self.lookback, *risk)) + self.memory

    @property
    def memory(self) -> int:
        """Bars from the first choice that a choice builds on to itself."""
        return self.horizon * (self.overlap - 1 + (RESTART - 1 if self.no_trade_band else 0))

    @property
    def outside(self) -> tuple[str, ...]:
        """Columns from outside that the bars must carry."""
        return CARRY if self.signal == "carry" else ()

    def most_held(self, n_ranked: int) -> int:
        """Symbols that both sides hold together at most where so many are ranked."""
        if self.holds != "extremes" or self.memory:  # choices that overlap, or stay in a band, add up to more
            return n_ranked
        return 2 * (max(n_ranked // 5, 1) if self.k is None else self.k)

    @property
    def _is_risk_read(self) -> bool:
        return self.weighting != "equal" or self.neutral != "dollar" or self.signal == "trend"

    def wanted(
        self, panel: PricePanel, frames: Mapping[str, pl.DataFrame], member: BoolArray, gross: float
    ) -> WantedWeights:
        """Signals and shares of the equity at every close, by what had closed then; `gross` is that of both sides.

        The one function that chooses: runs, their look-ahead check and bots hold what it says.
        """
        signal = self.measured(panel, frames, member)
        ranked = np.isfinite(signal)
        convictions, masses = self._convictions(signal, panel.symbols), None
        if self._is_risk_read:
            risk = volatility_over(panel, frames, self.risk_lookback)
            if self.weighting == "inverse_volatility":
                convictions = np.where(ranked, convictions / risk, 0.0)
            if self.neutral != "dollar":
                masses = risk if self.neutral == "volatility" else beta_over(panel, frames, self.risk_lookback)
                masses = np.where(ranked, masses, 0.0)
        weights = balanced(convictions, masses, gross)
        if not self.memory:
            return WantedWeights(signal, weights)
        due = self.is_due(panel.times, panel.bar_ms)
        overlapped = np.where(ranked[due], mean_of_last(weights[due], self.overlap), 0.0)
        closes = panel.spread({symbol: bars["close"].to_numpy().astype(np.float64) for symbol, bars in frames.items()})
        restarts = panel.times[due] // (self.horizon * panel.bar_ms) % RESTART == 0
        weights[due] = held_in_band(overlapped, closes[due], ranked[due], restarts, self.no_trade_band, gross)
        return WantedWeights(signal, weights)

    def measured(self, panel: PricePanel, frames: Mapping[str, pl.DataFrame], member: BoolArray) -> FloatArray:
        """The signal of each member at every close, (n_times, n_symbols); NaN for who is not compared."""
        values = self._measure(panel, frames)
        if self._is_risk_read:
            values = np.where(np.isfinite(volatility_over(panel, frames, self.risk_lookback)), values, np.nan)
        return compared(values, member)

    def _measure(self, panel: PricePanel, frames: Mapping[str, pl.DataFrame]) -> FloatArray:
        if self.signal == "return":
            return raw_momentum(panel, frames, self.lookback)
        if self.signal == "standard":
            return momentum(panel, frames, self.lookback)
        if self.signal == "trend":
            return trend(panel, frames, self.lookback, self.risk_lookback)
        return -funding_paid(panel, frames, self.lookback)

    def is_due(self, times: IntArray, bar_ms: int) -> BoolArray:
        """Whether it chooses at these closes: on a grid of `horizon` bars since 1970."""
        return np.asarray(times % (self.horizon * bar_ms) == 0, dtype=bool)

    def _convictions(self, signal: FloatArray, symbols: Sequence[str]) -> FloatArray:
        """How much of each symbol is wanted before it is scaled, negative for a short, 0 for who is not ranked."""
        if self.holds == "extremes":
            return self.sides(signal, symbols)
        if self.holds == "ranks":
            values = place(signal)
        else:
            n_ranked = total(np.isfinite(signal).astype(np.float64))
            values = signal - (total(np.nan_to_num(signal)) / np.maximum(n_ranked, 1.0))[:, None]
        values = np.nan_to_num(values)
        return -values if self.contrarian else values

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
