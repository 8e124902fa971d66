"""Equity over time as a picture: the points that the bot kept, and the last that it told of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tradsys.core.time import DAY_MS
from tradsys.live.account.equity_history import EquityPoint
from tradsys.report.numbers import Axis, minute, percent
from tradsys.web.bot.plain import Plain, quote
from tradsys.web.drawn import HEIGHT, WIDTH, path

SPANS: Final = {"day": DAY_MS, "week": 7 * DAY_MS, "month": 30 * DAY_MS, "all": 0}
"""What of the curve is shown, in milliseconds before its end."""

MOST_SHOWN: Final = 600
"""Points of the picture: more than one in two of its pixels changes nothing."""


@dataclass(frozen=True, slots=True)
class EquityPicture:
    """A line, the area below it, rules with their labels, and the points for whoever points at them."""

    line: str
    area: str
    rules: tuple[tuple[float, str], ...]
    start: float
    points: list[Any]
    first: str
    last: str
    change: str
    is_gain: bool
    note: str


def equity_picture(points: Sequence[EquityPoint], status: Plain, span: str) -> EquityPicture | None:
    """None where fewer than two points are known."""
    known = _with_last(points, status)
    if SPANS.get(span) and known:
        known = [one for one in known if one.at_ms >= known[-1].at_ms - SPANS[span]]
    if len(known) < 2:
        return None
    shown = thinned_to(known, MOST_SHOWN)
    values = [one.equity_quote for one in shown]
    axis = Axis.around(values, margin=0.08)
    first, last = shown[0], shown[-1]
    ticks = axis.labelled_ticks(4, "{:,.10g}".format)
    width_ms = last.at_ms - first.at_ms
    placed = [(round(WIDTH * (one.at_ms - first.at_ms) / width_ms, 1), _y(axis, one.equity_quote)) for one in shown]
    came = _came(known)
    change = (last.equity_quote - came) / first.equity_quote - 1 if first.equity_quote > 0 else None
    return EquityPicture(
        line=path(placed),
        area=path([(0.0, HEIGHT), *placed, (WIDTH, HEIGHT)]),
        rules=tuple((round(HEIGHT * (1 - at / 100), 1), text) for at, text in ticks),
        start=_y(axis, first.equity_quote),
        points=[[x, minute(one.at_ms), quote(one.equity_quote)] for (x, _), one in zip(placed, shown, strict=True)],
        first=minute(first.at_ms),
        last=minute(last.at_ms),
        change=percent(change, signed=True),
        is_gain=(change or 0.0) >= 0,
        note=_transfers(came),
    )


def thinned_to(points: Sequence[EquityPoint], most: int) -> list[EquityPoint]:
    """The first and the last, and of each stretch between its lowest and highest: no peak and no trough is lost."""
    if len(points) <= most:
        return list(points)
    n_stretches = (most - 2) // 2
    inner = points[1:-1]
    kept: list[EquityPoint] = []
    for k in range(n_stretches):
        part = inner[k * len(inner) // n_stretches : (k + 1) * len(inner) // n_stretches]
        ends = {min(part, key=_worth), max(part, key=_worth)} if part else set()
        kept += sorted(ends)
    return [points[0], *kept, points[-1]]


def _with_last(points: Sequence[EquityPoint], status: Plain) -> list[EquityPoint]:
    """The kept points and the status' own, which is a minute younger at most."""
    account, now, age = status.part("account_state"), status.number("now_ms"), status.number("account_age_ms")
    equity, wallet = account.number("equity_quote"), account.number("wallet_quote")
    if equity is None or now is None:
        return list(points)
    last = EquityPoint(int(now - (age or 0)), equity, wallet or equity)
    return [*points, last] if not points or last.at_ms > points[-1].at_ms else list(points)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT * (1 - axis.place(value) / 100), 1)


def _worth(point: EquityPoint) -> float:
    return point.equity_quote


def _came(points: Sequence[EquityPoint]) -> float:
    told = [one.transferred_quote for one in points if one.transferred_quote is not None]
    return told[-1] - told[0] if told else 0.0


def _transfers(came: float) -> str:
    if not came:
        return ""
    return f"{quote(abs(came))} {'came in' if came > 0 else 'was taken out'} meanwhile, which is no result."
