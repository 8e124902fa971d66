"""Random sequences of faults and deaths on a spot market, some beside coins that are somebody else's."""

import pytest
from tests.live.execution.run_many import Totals, run_many
from tests.live.execution.spot_simulation import SpotSequence


def check(totals: Totals) -> None:
    assert totals.failures == {}, "replay one: python -m tests.live.execution.run_many --spot --replay SEED"
    assert totals.n_faulty >= 0.2 * totals.n_submits
    assert totals.n_kills >= totals.n_sequences and totals.n_trades >= totals.n_sequences
    assert {"stop", "target", "time", "forced"} <= set(totals.reasons)


def test_some_hundred_spot_sequences_end_explained():
    check(run_many(range(200), SpotSequence))


@pytest.mark.slow
@pytest.mark.parametrize("hundreds", [2, 4])
def test_four_hundred_more_spot_sequences_end_explained(hundreds):
    check(run_many(range(hundreds * 100, hundreds * 100 + 200), SpotSequence))
