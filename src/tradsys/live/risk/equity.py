"""What the account's equity is measured against: its peak, and what the UTC day began with."""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Final

from tradsys.core.errors import DataError
from tradsys.core.time import DAY_MS
from tradsys.live.risk.remembered import Remembered
from tradsys.live.state import Flags

EQUITY: Final = "risk.equity"
KEEP_EVERY_MS: Final = 60_000
"""The last equity is kept at most this often: a restart then begins the day with one that is a minute old."""


@dataclass(frozen=True, slots=True)
class EquityMarks:
    """Equity in quote currency, realised and unrealised: its peak, the day's start, and what was seen last.

    `day` counts UTC days since 1970; `transferred_quote` is the sum of all deposits less withdrawals so
    far, None where the venue has never told it.
    """

    peak: float
    day: int
    day_start: float
    last: float
    last_ms: int
    transferred_quote: float | None = None

    @property
    def drawdown(self) -> float:
        """Fraction of the peak that is lost."""
        return 1.0 - self.last / self.peak

    @property
    def day_loss(self) -> float:
        """Fraction of the day's start that is lost; negative where it was a gain."""
        return 1.0 - self.last / self.day_start

    def scaled(self, by: float) -> "EquityMarks":
        """After money came or went: all that was measured before, as if it had been there or gone all along."""
        return replace(self, peak=self.peak * by, day_start=self.day_start * by, last=self.last * by)


def marks_at(equity: float, now_ms: int, transferred_quote: float | None) -> EquityMarks:
    """Of an account that begins now."""
    return EquityMarks(equity, now_ms // DAY_MS, equity, equity, now_ms, transferred_quote)


def moved(marks: EquityMarks, equity: float, now_ms: int, transferred_quote: float | None) -> EquityMarks:
    """The marks after one more look at the account.

    Transfers scale what was measured before, so that a deposit is no profit and a withdrawal no loss: half of the money
    taken away leaves a drawdown of 10% one of 10%. `transferred_quote` is to be of the same moment as the equity; None:
    the venue did not tell, and nothing is taken for a transfer. The first time it tells is no transfer.
    """
    if transferred_quote is not None and transferred_quote != marks.transferred_quote:
        came = 0.0 if marks.transferred_quote is None else transferred_quote - marks.transferred_quote
        without = equity - came
        if came and (without <= 0 or equity <= 0):
            return marks_at(equity, now_ms, transferred_quote)
        marks = replace(marks.scaled(equity / without if came else 1.0), transferred_quote=transferred_quote)
    day = now_ms // DAY_MS
    if day > marks.day:
        # a loss that came while nobody looked belongs to the day on which it is seen
        is_recent = marks.last_ms // DAY_MS >= day - 1
        marks = replace(marks, day=day, day_start=marks.last if is_recent else equity)
    return replace(marks, peak=max(marks.peak, equity), last=equity, last_ms=now_ms)


class EquityRecord:
    """The marks of one account, kept through restarts."""

    def __init__(self, flags: Flags) -> None:
        self._remembered = Remembered(flags, EQUITY, may_wait=True)
        kept = self._remembered.read()
        self._kept = self.marks = None if kept is None else EquityMarks(**kept)

    def observe(self, equity: float, now_ms: int, transferred_quote: float | None) -> EquityMarks:
        """The marks with this look at the account; an equity that is no number is a DataError."""
        if not isfinite(equity) or not isfinite(transferred_quote or 0.0):
            raise DataError(f"the account's equity must be a number, found {equity} after {transferred_quote} came in")
        if self.marks is None:
            marks = marks_at(equity, now_ms, transferred_quote)
        else:
            marks = moved(self.marks, equity, now_ms, transferred_quote)
        if marks.day_start <= 0:
            raise DataError(f"an account needs equity to begin with, found {marks.day_start:g}; pay in, then resume")
        self.marks = marks
        self._keep(marks)
        return marks

    def begin_again(self, now_ms: int) -> None:
        """Measure from what the account has now: whoever resumes has seen the loss and takes it."""
        if self.marks is not None:
            self.marks = marks_at(self.marks.last, now_ms, self.marks.transferred_quote)
            self._write(self.marks)

    def _keep(self, marks: EquityMarks) -> None:
        before = self._kept
        if before is None or marks.last_ms - before.last_ms >= KEEP_EVERY_MS or _differs(marks, before):
            self._write(marks)

    def _write(self, marks: EquityMarks) -> None:
        names = EquityMarks.__dataclass_fields__
        self._remembered.keep({name: getattr(marks, name) for name in names})
        self._kept = marks


def _differs(marks: EquityMarks, kept: EquityMarks) -> bool:
    """In what may not be lost: a restart within the minute must find the same peak and day."""
    wanted = ("peak", "day", "day_start", "transferred_quote")
    return any(getattr(marks, name) != getattr(kept, name) for name in wanted)
