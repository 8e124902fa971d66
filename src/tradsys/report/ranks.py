"""Whom a rank run held: what longs earned more than shorts, and every symbol with what it earned, on one scale each."""

from dataclasses import dataclass
from functools import partial

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, RunFiles, rows, section
from tradsys.report.numbers import MINUS, count, is_known, number

MOST_SYMBOLS = 40
"""Of more, as many are shown: half of them the best, half the worst."""

_BPS = 1e4
_signed = partial(number, signed=True)


@dataclass(frozen=True, slots=True)
class Spread:
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
    spread: Spread | None
    symbols: tuple[SymbolRow, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]
    n_hidden: int


def ranks_card(run: RunFiles) -> RanksCard | None:
    """What the run measured; None for one that ranked nobody."""
    universe = section(run.metrics, "universe")
    if not universe:
        return None
    held = sorted(rows(universe, "symbols"), key=lambda one: -one["profit_abs"])
    axis = Axis.around([0.0, *(one["profit_abs"] for one in held)])
    half = MOST_SYMBOLS // 2
    shown = held if len(held) <= MOST_SYMBOLS else [*held[:half], *held[-half:]]
    return RanksCard(
        sentence=_sentence(universe),
        spread=_spread(run),
        symbols=tuple(_symbol(one, axis) for one in shown),
        zero=axis.place(0.0),
        ticks=_ticks(axis),
        n_hidden=len(held) - len(shown),
    )


def _sentence(universe: Json) -> str:
    closed = universe.get("n_closed_by_last_bar")
    ended = f" {count(closed)} positions were sold at the last bar of a symbol that ended." if closed else ""
    return (
        f"On average {number(universe.get('n_members_mean'))} of {count(universe.get('n_symbols'))} symbols were in "
        f"the universe, which was chosen {count(universe.get('n_rebalances'))} times by what was known then.{ended}"
    )


def _spread(run: RunFiles) -> Spread | None:
    for profile in section(run.metrics, "profiles").values():
        found = section(profile, "metrics", "spread_gross")
        if is_known(found.get("value")):
            break
    else:
        return None
    value, low, high = (None if found.get(k) is None else _BPS * found[k] for k in ("value", "low", "high"))
    assert value is not None  # is_known says so
    axis = Axis.around([0.0, *(end for end in (low, value, high) if end is not None)])
    return Spread(
        text=_signed(value),
        interval="" if low is None or high is None else f"{number(low)} to {number(high)}",
        n=count(found.get("n")),
        point=axis.place(value),
        low=None if low is None else axis.place(low),
        high=None if high is None else axis.place(high),
        zero=axis.place(0.0),
        ticks=_ticks(axis),
    )


def _symbol(one: Json, axis: Axis) -> SymbolRow:
    profit = one["profit_abs"]
    return SymbolRow(
        name=str(one["symbol"]),
        text=_signed(profit),
        point=axis.place(profit),
        held=f"{count(one['n_long'])} × long, {count(one['n_short'])} × short",
    )


def _ticks(axis: Axis) -> tuple[tuple[float, str], ...]:
    return tuple((axis.place(tick), f"{tick:,g}".replace("-", MINUS)) for tick in axis.ticks(5))
