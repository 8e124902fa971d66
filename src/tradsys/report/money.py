"""The calibration of money: what decisions were expected to earn after costs, against what they earned."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.profiles.rules import STANDARD_ERRORS
from tradsys.report.numbers import Axis, count, is_known, number
from tradsys.report.reliability import DiagramBin, DiagramPoint, diagram_bin
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
    points = () if money is None else (_point(one) for one in money.bins)
    if money is None or not (drawn := [one for one in points if one is not None]):
        return None
    ends = [end for one in drawn for end in (one.predicted, one.observed, one.low, one.high)]
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
        return f"No decision was expected to pay its costs by {STANDARD_ERRORS:g} standard errors."
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


def _point(one: MoneyBin) -> DiagramPoint | None:
    return DiagramPoint.of(one.expected_bps, one.earned_bps, one.low, one.high, one.n)


def _bin(one: DiagramPoint, axis: Axis, largest: int) -> DiagramBin:
    interval = f"{number(one.low, signed=True)} to {number(one.high, signed=True)}"
    said = f"expected {_bps(one.predicted)}, earned {_bps(one.observed)} ({interval}), n = {count(one.n)}"
    return diagram_bin(one, axis, largest, said)
