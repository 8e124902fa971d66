"""The barriers' pace, a closed bar at a time: by the rule's own step, or anew from the last bars that settle it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isinf, isnan, nan
from typing import Any

import polars as pl

from tradsys.core.errors import ConfigError
from tradsys.core.plugins import told_of_own
from tradsys.core.time import stamp
from tradsys.features.stream.bar import Bar, bars_of
from tradsys.features.stream.feature_stream import frame_of
from tradsys.labels.measured import measured_pace
from tradsys.labels.pace import BarrierRule, MovingPace, Stepping

_ALIKE = 1e-8


@dataclass(frozen=True, slots=True)
class _Recomputed:
    """The last bars that settle the pace of a rule that cannot step, and the pace."""

    rule: BarrierRule
    bars: tuple[Bar, ...]
    pace: float

    @classmethod
    def of(cls, rule: BarrierRule, bars: Sequence[Bar]) -> "_Recomputed":
        last = tuple(bars[-rule.lookback :])
        return cls(rule, last, float(measured_pace(rule, frame_of(last))[-1]))

    def after(self, bar: Bar) -> "_Recomputed":
        return self.of(self.rule, (*self.bars, bar))


@dataclass(frozen=True, slots=True)
class _Stepped:
    """The pace of a rule that steps, held to what a batch is; what fails in one of a user's is told as his."""

    rule: BarrierRule
    moving: MovingPace

    @property
    def pace(self) -> float:
        return nan if self.moving.pace < 0 else self.moving.pace

    def after(self, bar: Any) -> "_Stepped":
        with told_of_own(self.rule, f"the barrier rule {self.rule.name!r}"):
            moved = self.moving.after(bar)
            is_infinite = isinf(moved.pace)
        if is_infinite:
            raise ConfigError(
                f"the barrier rule {self.rule.name!r} measures a pace in price units, found {moved.pace} after the bar "
                f"of {stamp(bar.ts)}; let it be NaN where there is none"
            )
        return _Stepped(self.rule, moved)


def moving_pace(rule: BarrierRule, history: pl.DataFrame) -> MovingPace:
    """The pace at the last bar of one symbol's history, to go on from.

    A rule whose step leads elsewhere than its batch is a ConfigError.
    """
    if not isinstance(rule, Stepping):
        return _Recomputed.of(rule, bars_of(history.tail(rule.lookback)))
    with told_of_own(rule, f"the barrier rule {rule.name!r}"):
        before = _Stepped(rule, rule.moving(history[:-1]))
    stepped = before.after(bars_of(history[-1:])[0])
    batch = float(measured_pace(rule, history)[-1])
    if not (isclose(stepped.pace, batch, rel_tol=_ALIKE) or (isnan(batch) and isnan(stepped.pace))):
        raise ConfigError(
            f"the barrier rule {rule.name!r} measures {stepped.pace} bar by bar and {batch} as a batch; mend its "
            "`moving`, or leave it out, and the pace is computed anew for each bar"
        )
    return stepped
