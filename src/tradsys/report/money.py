"""The calibration of money: what decisions were expected to earn after costs, against what they earned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.report.numbers import Axis, count, is_known, number
from tradsys.report.reliability import DiagramBin
from tradsys.runs.metrics import MoneyBin, MoneyMetrics


@dataclass(frozen=True, slots=True)
class MoneyCard:
    """Sentences, and a square diagram in basis points; `zero` is the place of nothing on both axes."""

    sentences: tuple[str, ...]
    bins: tuple[DiagramBin, ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float
    n: str


def money_card(money: MoneyMetrics | None) -> MoneyCard | None:
    """None where nothing was forecast, or by a version that did not measure it."""
    if money is None or not (drawn := [one for one in money.bins if _is_drawn(one)]):
        return None
    ends = [value for one in drawn for value in (one.expected_bps, one.earned_bps, *_interval(one)) if is_known(value)]
    axis = Axis.around([*ends, 0.0])
    largest = max(one.n for one in drawn)
    return MoneyCard(
        sentences=sentences(money),
        bins=tuple(_bin(one, axis, largest) for one in drawn),
        ticks=axis.labelled_ticks(5, lambda tick: number(tick, signed=True) if tick else "0"),
        zero=axis.place(0.0),
        n=count(sum(one.n for one in drawn)),
    )


def sentences(money: MoneyMetrics) -> tuple[str, ...]:
    """What was expected to pay and what it paid, and in how many folds nothing was let through."""
    return (_paying(money.paying), *_left_out(money))


def _paying(paying: MoneyBin | None) -> str:
    if paying is None:
        return "No decision was expected to pay its costs by .8 standard errors."
    what = f"{count(paying.n)} decisions were expected to pay: {_bps(paying.expected_bps)} after costs on average"
    if not (is_known(paying.low) and is_known(paying.high)):
        return f"{what}; they earned {_bps(paying.earned_bps)}, on too short a history for an interval."
    missed = not is_known(paying.expected_bps) or not paying.low <= paying.expected_bps <= paying.high
    verdict = "the interval misses what was expected" if missed else "the interval holds what was expected"
    low, high = number(paying.low, signed=True), number(paying.high, signed=True)
    return f"{what}; they earned {_bps(paying.earned_bps)} [{low}, {high}]: {verdict}."


def _left_out(money: MoneyMetrics) -> Sequence[str]:
    if not money.n_folds_out:
        return ()
    such = "such decisions on record had not earned their costs, so that EDGE stayed out"
    return (f"In {money.n_folds_out} of {money.n_folds} folds {such}.",)


def _bps(value: float | None) -> str:
    return f"{number(value, signed=True)} bp"


def _is_drawn(one: MoneyBin) -> bool:
    return is_known(one.expected_bps) and is_known(one.earned_bps)


def _interval(one: MoneyBin) -> tuple[float, float]:
    """A missing interval is as wide as the point."""
    if is_known(one.low) and is_known(one.high):
        return one.low, one.high
    earned = one.earned_bps or 0.0
    return earned, earned


def _bin(one: MoneyBin, axis: Axis, largest: int) -> DiagramBin:
    low, high = _interval(one)
    expected, earned = one.expected_bps or 0.0, one.earned_bps or 0.0
    interval = f"{number(low, signed=True)} to {number(high, signed=True)}"
    return DiagramBin(
        x=axis.place(expected),
        y=axis.place(earned),
        low=axis.place(low),
        high=axis.place(high),
        radius=round(0.9 + 1.7 * math.sqrt(one.n / largest), 2),
        is_off=not low <= expected <= high,
        text=f"expected {_bps(expected)}, earned {_bps(earned)} ({interval}), n = {count(one.n)}",
    )
