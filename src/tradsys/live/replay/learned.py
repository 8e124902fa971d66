"""Costs as an account's own fills had them, to be given back to simulations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from tradsys.core.costs import LARGEST_REBATE_BPS, MOST_BPS
from tradsys.live.replay.lived import LivedFill, LivedTrade

FEWEST = 10
"""Of fewer fills nothing is offered: their mean is chance."""


@dataclass(frozen=True, slots=True)
class LearnedCost:
    """A cost in basis points of the notional: a mean over `n` fills with its 95% interval, NaN of fewer than two."""

    setting: str
    bps: float
    n: int
    low: float
    high: float

    @property
    def line(self) -> str:
        """As a line of settings."""
        return f"{self.setting}={self.offered:.4g}"

    @property
    def sentence(self) -> str:
        """The line with what it rests on."""
        return f"{self.line}  # {self.bps:.3g} bp, n = {self.n:,} fills, 95% interval {self.low:.3g} to {self.high:.3g}"

    @property
    def offered(self) -> float:
        """Within what a cost may be: slippage that earned is none, and rebates end somewhere."""
        least = -LARGEST_REBATE_BPS if self.setting == "costs.maker_bps" else 0.0
        return float(min(max(self.bps, least), MOST_BPS))


def learned_costs(trades: Sequence[LivedTrade]) -> list[LearnedCost]:
    """Taker fee, maker fee and slippage of fills at the market whose price was expected; those with enough fills."""
    fills = [fill for trade in trades for fill in trade.fills]
    takers = [fill for fill in fills if not fill.is_maker]
    makers = [fill for fill in fills if fill.is_maker]
    expected = [fill for fill in takers if fill.expected_price is not None]
    found = [
        _learned("costs.taker_bps", [_fee_bps(fill) for fill in takers]),
        _learned("costs.maker_bps", [_fee_bps(fill) for fill in makers]),
        _learned("costs.slippage_bps", [_slippage_bps(fill) for fill in expected]),
    ]
    return [one for one in found if one.n >= FEWEST]


def _fee_bps(fill: LivedFill) -> float:
    return 1e4 * fill.fee_quote / (fill.size_base * fill.price)


def _slippage_bps(fill: LivedFill) -> float:
    """How much worse than expected, what was charged beside the price included."""
    assert fill.expected_price is not None  # chosen for it
    worse = fill.side * (fill.price / fill.expected_price - 1.0)
    return 1e4 * (worse + fill.slippage_quote / (fill.size_base * fill.price))


def _learned(setting: str, bps: list[float]) -> LearnedCost:
    values, n = np.array(bps, np.float64), len(bps)
    if n < 2:
        return LearnedCost(setting, float(values[0]) if n else float("nan"), n, float("nan"), float("nan"))
    mean = float(values.mean())
    half = float(stdtrit(n - 1, 0.975) * values.std(ddof=1) / np.sqrt(n))
    return LearnedCost(setting, mean, n, mean - half, mean + half)
