"""Checks of the account as a whole: each one says which standing it asks for, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tradsys.core.time import DAY_MS, stamp
from tradsys.live.risk.equity import EquityMarks
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.state import Standing, TradingState
from tradsys.live.venue import AccountState, Position

ROUNDING: Final = 1e-9
"""What a value may be above its limit by arithmetic alone, as a fraction of the limit."""


@dataclass(frozen=True, slots=True)
class AccountLook:
    """What these checks see: the limits, one look at the account, and what it is measured against."""

    limits: RiskLimits
    account: AccountState
    marks: EquityMarks
    now_ms: int

    def standing(self, state: TradingState, cause: str, reason: str, until_ms: int | None = None) -> Standing:
        """A standing from now on."""
        return Standing(state, cause, reason, self.now_ms, until_ms)


type AccountCheck = Callable[[AccountLook], Standing | None]


def exceeds(value: float, limit: float) -> bool:
    """Whether a value is beyond its limit by more than rounding; one that is no number is."""
    return not value <= limit * (1.0 + ROUNDING)


def daily_loss(look: AccountLook) -> Standing | None:
    """No entry for the rest of a UTC day that has lost more than its share."""
    loss, limit = look.marks.day_loss, look.limits.daily_loss
    if not exceeds(loss, limit):
        return None
    until_ms = (look.marks.day + 1) * DAY_MS
    reason = f"the day lost {loss:.2%} of its start, daily_loss allows {limit:.2%}; no entry until {stamp(until_ms)}"
    return look.standing(TradingState.REDUCING, "daily_loss", reason, until_ms)


def max_drawdown(look: AccountLook) -> Standing | None:
    """Exit and halt where more of the highest equity is lost than allowed."""
    drawdown, limit = look.marks.drawdown, look.limits.max_drawdown
    if not exceeds(drawdown, limit):
        return None
    reason = f"the equity is {drawdown:.2%} below its peak of {look.marks.peak:.2f}, max_drawdown allows {limit:.2%}"
    return look.standing(TradingState.HALTED, "max_drawdown", reason)


def liquidation_distance(look: AccountLook) -> Standing | None:
    """Exit and halt where a position is nearer to its liquidation than allowed."""
    limit = look.limits.liquidation_distance
    for position in look.account.positions:
        distance = distance_to_liquidation(position)
        if distance is not None and exceeds(limit, distance):
            reason = f"{position.symbol} is {distance:.2%} from its liquidation, liquidation_distance wants {limit:.2%}"
            return look.standing(TradingState.HALTED, "liquidation_distance", reason)
    return None


def distance_to_liquidation(position: Position) -> float | None:
    """Fraction of the mark price that is left, negative beyond it; None where the venue names no such price."""
    if position.liquidation_price is None or position.liquidation_price <= 0:
        return None
    side = 1.0 if position.size_base > 0 else -1.0
    return side * (position.mark_price - position.liquidation_price) / position.mark_price


ACCOUNT_CHECKS: Final[tuple[AccountCheck, ...]] = (max_drawdown, liquidation_distance, daily_loss)
