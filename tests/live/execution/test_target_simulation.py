"""Choices, faults and deaths at random: `python -m tests.live.execution.run_many 10000 --targets` runs more."""

import pytest
from tests.live.execution.run_many import Totals, run_many
from tests.live.execution.simulation import run_sequence
from tests.live.execution.target_simulation import TargetSequence


def check(totals: Totals) -> None:
    again = "replay one: python -m tests.live.execution.run_many --targets --replay SEED"
    assert totals.failures == {}, again
    assert totals.n_faulty >= 0.2 * totals.n_submits
    assert totals.n_kills >= totals.n_sequences and totals.n_trades >= totals.n_sequences
    assert {"stop", "rebalanced", "forced"} <= set(totals.reasons)


def test_some_sequences_of_target_weights_end_explained() -> None:
    check(run_many(range(100), TargetSequence))


@pytest.mark.slow
@pytest.mark.parametrize("hundred", [2, 3])
def test_two_hundred_more_sequences_of_target_weights_end_explained(hundred: int) -> None:
    check(run_many(range(hundred * 100, hundred * 100 + 100), TargetSequence))


def test_a_sequence_of_target_weights_is_the_same_again_from_its_seed() -> None:
    assert run_sequence(5, kind=TargetSequence) == run_sequence(5, kind=TargetSequence)
