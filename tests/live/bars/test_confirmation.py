"""What confirms a close: a successor, or two equal answers that were asked for after the end."""

import pytest

from tradsys.features.stream.bar import Bar
from tradsys.live.bars.confirmation import ABSENT_MS, SETTLED_MS, Confirmation

END = 120_000
BAR = Bar(60_000, 10.0, 11.0, 9.0, 10.5, 3.0)
NEXT = Bar(END, 10.5, 10.5, 10.5, 10.5, 0.0)


def confirmation(doubt_ms: float = 20.0) -> Confirmation:
    return Confirmation(60_000, 60_000, doubt_ms)


def test_a_successor_confirms_at_once_whatever_the_clock_says() -> None:
    assert confirmation(float("inf")).confirms([BAR, NEXT], END - 5_000)


def test_a_successor_settles_after_a_while_that_there_is_no_bar() -> None:
    asked = confirmation()
    assert not asked.confirms([NEXT], END + 100)
    assert asked.why == "the venue has the next bar and not this one"
    assert not asked.confirms([NEXT], END + 99 + ABSENT_MS)
    assert asked.confirms([NEXT], END + 100 + ABSENT_MS)


def test_a_bar_that_rest_shows_after_its_successor_is_taken_as_it_comes() -> None:
    asked = confirmation()
    assert not asked.confirms([NEXT], END + 100)
    assert asked.confirms([BAR, NEXT], END + 700)


def test_equal_answers_before_the_end_or_within_the_doubt_of_it_confirm_nothing() -> None:
    asked = confirmation()
    for at in (END - 3_000, END - 1_500, END - 10, END + 10):
        assert not asked.confirms([BAR], at)
    assert not asked.confirms([BAR], END + 1_200)  # the first of two
    assert asked.why == "its close was not confirmed"
    assert asked.confirms([BAR], END + 1_200 + SETTLED_MS)


def test_answers_that_differ_or_come_too_close_together_begin_anew() -> None:
    asked = confirmation()
    assert not asked.confirms([BAR], END + 100)
    assert not asked.confirms([BAR], END + 600)
    assert not asked.confirms([BAR._replace(close=10.75)], END + 1_500)
    assert not asked.confirms([BAR._replace(close=10.75)], END + 1_500 + SETTLED_MS - 1)
    assert asked.confirms([BAR._replace(close=10.75)], END + 1_500 + SETTLED_MS)


def test_where_the_time_is_not_known_two_equal_answers_confirm_nothing() -> None:
    asked = confirmation(float("inf"))
    assert not any(asked.confirms([BAR], END + at) for at in (100, 2_000, 4_000))


@pytest.mark.parametrize("wrong", [{"close": float("nan")}, {"low": 10.75}, {"volume": -1.0}])
def test_a_bar_that_cannot_be_is_not_confirmed(wrong: dict[str, float]) -> None:
    asked = confirmation()
    assert not asked.confirms([BAR._replace(**wrong), NEXT], END + 100)
    assert asked.why.startswith("the venue's bar cannot be: wanted finite prices")


def test_an_answer_without_the_bar_says_so() -> None:
    asked = confirmation()
    assert not asked.confirms([], END + 100)
    assert asked.why == "the venue does not have it yet"
