"""Random sequences of faults and deaths: `python -m tests.live.execution.run_many 10000` runs as many as one likes."""

import pytest
from tests.live.execution.limit_simulation import LimitEntries, LimitSequence, SpotLimitSequence
from tests.live.execution.run_many import Totals, run_many
from tests.live.execution.simulation import run_sequence


def check(totals: Totals) -> None:
    assert totals.failures == {}, "replay one: python -m tests.live.execution.run_many --replay SEED"
    assert totals.n_faulty >= 0.2 * totals.n_submits
    assert totals.n_kills >= totals.n_sequences and totals.n_trades >= totals.n_sequences
    assert {"stop", "target", "time", "forced"} <= set(totals.reasons)


def test_some_hundred_sequences_end_explained():
    check(run_many(range(200)))


@pytest.mark.slow
@pytest.mark.parametrize("hundreds", range(2, 6, 2))
def test_four_hundred_more_sequences_end_explained(hundreds):
    check(run_many(range(hundreds * 100, hundreds * 100 + 200)))


def test_a_sequence_is_the_same_again_from_its_seed():
    assert run_sequence(5) == run_sequence(5) != run_sequence(6)


@pytest.mark.parametrize("kind", [LimitSequence, SpotLimitSequence])
def test_sequences_of_entries_that_rest_end_explained(kind):
    check_limits(run_many(range(40), kind), kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LimitSequence, SpotLimitSequence])
def test_more_sequences_of_entries_that_rest_end_explained(kind):
    check_limits(run_many(range(40, 240), kind), kind)


def check_limits(totals: Totals, kind: type[LimitEntries]) -> None:
    assert totals.failures == {}, "replay one: python -m tests.live.execution.run_many --limits [--spot] --replay SEED"
    assert totals.n_faulty >= 0.2 * totals.n_submits
    assert {"missed", "withdrawn", "stop", "target", "time", "forced"} <= set(totals.reasons)
    assert totals.reasons["filled in part"] > 0 or kind is SpotLimitSequence
    assert totals.reasons["by a limit"] >= totals.n_sequences / 2 and totals.n_kills >= totals.n_sequences / 2
