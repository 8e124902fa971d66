"""What market orders of a run were charged beside their fees, what more of it would have left, and both in words."""

from collections.abc import Callable, Sequence

from tradsys.runs.section import Measurement, Number, RunSection


class SymbolSlippage(RunSection):
    """One symbol's slippage in the time that was tested, basis points a market order.

    `median_bps`, `low_bps` and `high_bps` are over `n_months` calendar months; in `step_share` of them half the step of
    the prices was more than the spread that was estimated, in `assumed_share` no month before told of either. Not
    estimated is what somebody set.
    """

    symbol: str
    is_estimated: bool
    median_bps: float
    low_bps: float
    high_bps: float
    n_months: int
    step_share: float = 0.0
    assumed_share: float = 0.0


class LevelMetrics(RunSection):
    """The same trades at `more_bps` a market order above what was charged."""

    more_bps: float
    profit_abs: float
    net: Measurement


class MoreSlippageMetrics(RunSection):
    """At how many basis points a market order more a profile's trades make nothing, and what they make at a few."""

    break_even_bps: Measurement
    levels: tuple[LevelMetrics, ...]


def charged_sentence(symbols: Sequence[SymbolSlippage]) -> str:
    """What market orders paid beside their fees, and where that comes from.

    >>> two = {"median_bps": 2, "low_bps": 2, "high_bps": 2}
    >>> charged_sentence([SymbolSlippage(symbol="A", is_estimated=False, n_months=9, **two)])
    'slippage is 2 bp a market order, as set'
    >>> charged_sentence([SymbolSlippage(symbol="A", is_estimated=True, n_months=9, assumed_share=1, **two)])
    'slippage of a market order is 2 bp, assumed: no month of the bars tells a spread'
    >>> none = {"median_bps": 0, "low_bps": 0, "high_bps": 0}
    >>> charged_sentence([SymbolSlippage(symbol="A", is_estimated=True, n_months=9, **none)]).partition("; ")[2]
    'no spread stands out from noise, which does not say that there is none'
    """
    if not symbols:
        return ""
    if not symbols[0].is_estimated:
        return f"slippage is {symbols[0].median_bps:g} bp a market order, as set"
    assumed = [one.symbol for one in symbols if one.assumed_share == 1.0]
    if len(assumed) == len(symbols):
        bps = symbols[0].median_bps
        return f"slippage of a market order is {bps:g} bp, assumed: no month of the bars tells a spread"
    beside = f"; {' and '.join(assumed)}: assumed, as no month of the bars tells a spread" if assumed else ""
    if all(one.high_bps == 0 for one in symbols):
        beside += "; no spread stands out from noise, which does not say that there is none"
    begin = "slippage of a market order, estimated from the bars, is"
    if len(symbols) == 1:
        (one,) = symbols
        by_step = f", in {one.step_share:.0%} of them by half the step of the prices" if one.step_share else ""
        around = f"{one.low_bps:.2f} to {one.high_bps:.2f}"
        return f"{begin} {one.median_bps:.2f} bp, the median of {one.n_months} months ({around}{by_step}){beside}"
    ordered = sorted(symbols, key=lambda one: one.median_bps)
    middle, least, most = ordered[len(ordered) // 2], ordered[0], ordered[-1]
    return (
        f"{begin} {middle.median_bps:.2f} bp in the middle one of {len(symbols)} symbols, from {least.median_bps:.2f} "
        f"({least.symbol}) to {most.median_bps:.2f} ({most.symbol}), each the median of its months{beside}"
    )


def more_sentence(more: MoreSlippageMetrics) -> str:
    """How much more slippage the trades would bear, and what one earns after a little more.

    >>> even = Measurement(value=0.1, n=56, low=-71.8, high=34)
    >>> at_5 = LevelMetrics(more_bps=5, profit_abs=-9, net=Measurement(value=-0.0007, n=56, low=-0.015, high=0.003))
    >>> more_sentence(MoreSlippageMetrics(break_even_bps=even, levels=(at_5,)))
    'breaks even at 0.1 bp [-71.8, 34.0] more; a trade nets -0.070% [-1.500%, +0.300%] at 5 bp more (n = 56 trades)'
    """
    even = more.break_even_bps
    begin = "loses as it is, " if even.value is not None and even.value <= 0 else ""
    levels = ", ".join(f"{_with_interval(one.net, _percent)} at {one.more_bps:g} bp more" for one in more.levels)
    return (
        f"{begin}breaks even at {_with_interval(even, _bps, ' bp')} more; a trade nets {levels} (n = {even.n:,} trades)"
    )


def _bps(value: Number) -> str:
    return "-" if value is None else f"{value:.1f}"


def _percent(value: Number) -> str:
    return "-" if value is None else f"{value:+.3%}"


def _with_interval(one: Measurement, show: Callable[[Number], str], unit: str = "") -> str:
    around = "" if one.low is None or one.high is None else f" [{show(one.low)}, {show(one.high)}]"
    return f"{show(one.value)}{unit}{around}"
