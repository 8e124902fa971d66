"""What no venue would have filled, in a sentence with its n."""

import pytest

from tradsys.runs.metrics import ProfileMetrics
from tradsys.runs.unfilled import unfilled_sentence


def told(**facts: object) -> str:
    values = {"description": "", "metrics": {}, "exit_reasons": {}, "n_decisions": 1_200, "highest_confidence": None}
    return unfilled_sentence(ProfileMetrics.model_construct(**(values | facts)))


@pytest.mark.parametrize("not_taken", [{}, {"no volume": 0}, {"in position": 9, "no room": 3, "outside the time": 1}])
def test_what_a_profiles_own_rules_refuse_is_not_told(not_taken: dict[str, int]) -> None:
    assert told(not_taken=not_taken) == ""


def test_each_reason_comes_with_its_n() -> None:
    assert told(not_taken={"no volume": 523, "too small": 1}, exit_reasons={"unsold": 2}) == (
        "of 1,200 decisions 523 found nobody who traded in the bar that would have filled them, 1 was smaller than a "
        "venue takes; 2 positions that nobody took are valued at the last price"
    )


def test_ranks_count_orders() -> None:
    assert told(not_taken={"no volume": 1}, n_orders=9_000) == (
        "of 9,000 orders 1 found nobody who traded in the bar that would have filled it"
    )
