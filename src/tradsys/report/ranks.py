"""Which symbols a rank run held: what longs earned more than shorts, and what every symbol earned, on a scale each."""

from dataclasses import dataclass
from functools import partial

from tradsys.report.numbers import Axis, count, interval_text, is_known, number
from tradsys.runs.metrics import HeldSymbol, RunMetrics, UniverseMetrics

MOST_SYMBOLS = 40
"""Of more, as many are shown: half of them the best, half the worst."""

_BPS = 1e4
_signed = partial(number, signed=True)


@dataclass(frozen=True, slots=True)
class SpreadBar:
    """Mean gross return of longs less shorts in bp; places in percent of the drawing's width."""

    text: str
    interval: str
    n: str
    point: float
    low: float | None
    high: float | None
    zero: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """One symbol: what it earned after costs in the quote currency, and how often it was held on either side."""

    name: str
    text: str
    point: float
    held: str


@dataclass(frozen=True, slots=True)
class RanksCard:
    """The universe in words, the spread, and the symbols, best first."""

    sentence: str
    spread: SpreadBar | None
    symbols: tuple[SymbolRow, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]
    n_hidden: int


def ranks_card(metrics: RunMetrics) -> RanksCard | None:
    """What the run measured; None for one that ranked nobody."""
    universe = metrics.universe
    if universe is None:
        return None
    held = sorted(universe.symbols, key=lambda one: -one.profit_abs)
    axis = Axis.around([0.0, *(one.profit_abs for one in held)])
    half = MOST_SYMBOLS // 2
    shown = held if len(held) <= MOST_SYMBOLS else [*held[:half], *held[-half:]]
    return RanksCard(
        sentence=_sentence(universe),
        spread=_spread(metrics),
        symbols=tuple(_symbol(one, axis) for one in shown),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(show="{:,g}".format),
        n_hidden=len(held) - len(shown),
    )


def _sentence(universe: UniverseMetrics) -> str:
    closed = universe.n_closed_by_last_bar
    ended = f" {count(closed)} positions were sold at the last bar of a symbol that ended." if closed else ""
    return (
        f"On average {number(universe.n_members_mean)} of {count(universe.n_symbols)} symbols were in the universe, "
        f"which was chosen {count(universe.n_rebalances)} times by what was known then.{ended}"
    )


def _spread(metrics: RunMetrics) -> SpreadBar | None:
    measured = [one.metrics["spread_gross"] for one in metrics.profiles.values() if "spread_gross" in one.metrics]
    found = next((one for one in measured if is_known(one.value)), None)
    if found is None:
        return None
    value, low, high = (None if x is None else _BPS * x for x in (found.value, found.low, found.high))
    assert value is not None  # is_known says so
    axis = Axis.around([0.0, *(end for end in (low, value, high) if end is not None)])
    return SpreadBar(
        text=_signed(value),
        interval=interval_text(low, high),
        n=count(found.n),
        point=axis.place(value),
        low=axis.place_known(low),
        high=axis.place_known(high),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(show="{:,g}".format),
    )


def _symbol(one: HeldSymbol, axis: Axis) -> SymbolRow:
    return SymbolRow(
        name=one.symbol,
        text=_signed(one.profit_abs),
        point=axis.place(one.profit_abs),
        held=f"{count(one.n_long)} × long, {count(one.n_short)} × short",
    )
