"""Where an account stands against its limits: how much of each is used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tradsys.report.numbers import MINUS, UNKNOWN, count, number, percent
from tradsys.web.bot.plain import Plain, second


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit; `used` is a share of it in percent, at most 100, None where it cannot be said."""

    name: str
    now: str
    limit: str
    used: float | None
    consequence: str


@dataclass(frozen=True, slots=True)
class StandingCard:
    """ACTIVE, REDUCING or HALTED, with its cause."""

    state: str
    tone: str
    cause: str
    reason: str
    since: str
    until: str


_TONES: Final = {"active": "good", "reducing": "careful", "halted": "bad"}


def standing_card(status: Plain) -> StandingCard | None:
    """None where the bot has not said yet."""
    risk = status.part("risk")
    state = risk.text("state")
    if not state:
        return None
    since, until = risk.number("since_ms"), risk.number("until_ms")
    return StandingCard(
        state=state.upper(),
        tone=_TONES.get(state, "bad"),
        cause=risk.text("cause"),
        reason=risk.text("reason"),
        since=second(since) if since else "",
        until=second(until) if until else "",
    )


def limit_rows(status: Plain) -> list[LimitRow]:
    """Those that a number stands against, in the order of what they cost; none where the bot tells of no limits."""
    risk = status.part("risk")
    limits = risk.part("limits")
    if not limits:
        return []
    drift = max((one for _, one in _numbers(risk.part("drift"))), default=None)
    near = _nearest_liquidation(status)
    rows = [
        _share("max_drawdown", risk.number("drawdown"), limits, "exits and halts"),
        _share("daily_loss", risk.number("day_loss"), limits, "no entry until the next day"),
        _row("max_notional", _notional(status), limits, number, " x the equity", "the entry is denied"),
        _row("max_open_trades", float(len(status.parts("open_trades"))), limits, count, "", "the entry is denied"),
        _row("orders_per_minute", risk.number("n_orders_minute"), limits, count, "", "the entry is denied"),
        _row("max_errors", risk.number("n_errors"), limits, count, " in a row", "no entry until a call succeeds"),
        _share("drift_share", drift, limits, "the symbol is not entered"),
    ]
    least = limits.number("liquidation_distance")
    shown = UNKNOWN if near is None else percent(near)
    used = None if near is None or not least else round(100 * min(1.0, least / max(near, 1e-9)), 1)
    rows.insert(2, LimitRow("liquidation_distance", shown, f"at least {percent(least)}", used, "exits and halts"))
    return rows


def _share(name: str, value: float | None, limits: Plain, consequence: str) -> LimitRow:
    limit = limits.number(name)
    used = None if value is None or not limit else round(100 * min(1.0, max(0.0, value / limit)), 1)
    shown = UNKNOWN if value is None else f"+{percent(-value)}" if value < 0 else percent(value)
    return LimitRow(name, shown.replace("-", MINUS), percent(limit), used, consequence)


def _row(
    name: str,
    value: float | None,
    limits: Plain,
    show: Callable[[float | None], str],
    unit: str,
    consequence: str,
) -> LimitRow:
    limit = limits.number(name)
    used = None if value is None or not limit else round(100 * min(1.0, value / limit), 1)
    return LimitRow(name, show(value), f"{show(limit)}{unit}", used, consequence)


def _numbers(part: Plain) -> list[tuple[str, float]]:
    return [(name, value) for name in part.values if (value := part.number(name)) is not None]


def _notional(status: Plain) -> float | None:
    account = status.part("account_state")
    equity = account.number("equity_quote")
    if not equity or equity <= 0:
        return None
    held = account.parts("positions")
    return sum(abs(one.number("size_base") or 0.0) * (one.number("mark_price") or 0.0) for one in held) / equity


def _nearest_liquidation(status: Plain) -> float | None:
    found = []
    for one in status.part("account_state").parts("positions"):
        size, mark, at = (one.number(name) for name in ("size_base", "mark_price", "liquidation_price"))
        if size and mark and at and at > 0:
            found.append((1 if size > 0 else -1) * (mark - at) / mark)
    return min(found, default=None)
