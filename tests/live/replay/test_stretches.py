"""Stretches of target weights beside the batch's: each cause by hand, and a gap that adds up."""

from dataclasses import replace

import pytest

from tradsys.live.replay.gap import ResultGap
from tradsys.live.replay.stretches import HeldStretch, ReplayedStretch, paired_stretches

HOUR = 3_600_000
DAY = 24 * HOUR
HELD = HeldStretch("A", 1, 0, HOUR, 2 * DAY, "rebalanced", 3.0, 1.0, 0.5, 40.0)


def cause_of(
    batch: HeldStretch | None,
    lived: HeldStretch | None,
    *,
    denied: set[tuple[str, int]] = frozenset(),
    late: set[int] = frozenset(),
    other_weights: set[tuple[str, int]] = frozenset(),
) -> str:
    ours, theirs = ([one] if one is not None else [] for one in (batch, lived))
    (found,) = paired_stretches(ours, theirs, set(denied), set(late), set(other_weights), HOUR)
    return found.cause


@pytest.mark.parametrize(
    ("after_ms", "cause"),
    [(0, "same"), (HOUR - 1, "same"), (HOUR, "too_small"), (-1, "too_small"), (5 * DAY, "too_small")],
)
def test_ends_within_a_bar_of_the_batch_are_the_same_and_others_an_order_too_small(after_ms: int, cause: str) -> None:
    assert cause_of(HELD, replace(HELD, end_ms=2 * DAY + after_ms)) == cause


def test_why_the_account_held_something_else_is_said() -> None:
    assert cause_of(HELD, replace(HELD, side=-1)) == "other_side"
    assert cause_of(HELD, replace(HELD, reason="stop")) == "stopped"
    assert cause_of(HELD, replace(HELD, reason="forced")) == "forced"
    assert cause_of(HELD, HELD, late={0}) == "late"
    assert cause_of(HELD, HELD, late={2 * DAY}) == "late"
    assert cause_of(HELD, replace(HELD, end_ms=None)) == "late"
    assert cause_of(HELD, HELD, other_weights={("A", 0)}) == "not_decided"
    assert cause_of(HELD, None, denied={("A", 0)}) == "not_entered"
    assert cause_of(HELD, None, denied={("A", HOUR)}) == "not_entered"
    assert cause_of(HELD, None, late={0}) == "late"
    assert cause_of(HELD, None) == cause_of(None, HELD) == "unexplained"


def test_what_comes_after_a_difference_has_its_cause_until_both_are_the_same_again() -> None:
    stopped = replace(HELD, reason="stop", end_ms=DAY)
    again = replace(HELD, choice_ms=3 * DAY, end_ms=4 * DAY)
    found = paired_stretches([HELD], [stopped, again], set(), set(), set(), HOUR)
    assert [one.cause for one in found] == ["stopped", "stopped"]


def test_what_goes_on_in_both_is_left_out() -> None:
    on = replace(HELD, end_ms=None)
    assert paired_stretches([on], [on], set(), set(), set(), HOUR) == []


def test_the_gap_of_the_same_stretch_is_costs_and_latency_and_of_others_the_signal() -> None:
    lived = replace(HELD, fees_quote=3.5, slippage_quote=1.25, carry_quote=0.25, result_quote=38.0)
    same = ReplayedStretch("A", 0, "same", HELD, lived).gap
    assert same == ResultGap(latency=-1.5, fee=-0.5, slippage=-0.25, funding=0.25)
    assert same.total == pytest.approx(lived.result_quote - HELD.result_quote)
    assert ReplayedStretch("A", 0, "stopped", HELD, lived).gap == replace(same, signal=-1.5, latency=0.0)
    assert ReplayedStretch("A", 0, "not_entered", HELD, None).gap == ResultGap(signal=-40.0)
    assert ReplayedStretch("A", 0, "other_side", HELD, lived).gap == ResultGap(signal=-2.0)
