"""Orders that come one bar later, and profits that cannot be."""

from dataclasses import replace

import numpy as np
import pytest
from tests.verdict.records import market, record

from tradsys.journal import TrialSeries
from tradsys.verdict import VerdictSpec, judge
from tradsys.verdict.delay import KEPT, Company, kept_when_late

QUICK = VerdictSpec(n_bootstrap=499)


def an_edge() -> TrialSeries:
    rng = np.random.default_rng(0)
    return record("EDGE", market(rng), rng, foresight=0.3)


def verdict_on(trial: TrialSeries):
    return judge([trial], spec=QUICK, guard_bars=20, seed=0).profiles[trial.key]


def late(share: float) -> TrialSeries:
    """An edge that keeps this share of its mean when orders come a bar later."""
    one = an_edge()
    return replace(one, delayed=one.daily - (1 - share) * one.daily.mean())


@pytest.mark.parametrize("share", [1.0, KEPT + 0.01])
def test_an_edge_that_keeps_enough_is_proven(share):
    one = verdict_on(late(share))
    assert (one.verdict, one.leg) == ("proven", None)
    assert one.kept_late == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(("share", "said"), [(KEPT - 0.01, "it keeps 39% of its profit"), (-0.5, "nothing of its")])
def test_an_edge_that_hangs_on_the_very_next_open_is_not(share, said):
    one = verdict_on(late(share))
    assert (one.verdict, one.leg) == ("not proven", "delay")
    assert max(one.p_net, one.p_alpha, one.p_skill) <= 0.05
    assert f"with every order one bar later {said}" in one.sentence
    assert f"(net Sharpe {one.sharpe_late:.1f} instead of {one.sharpe:.1f}, " in one.sentence


def test_a_record_without_it_is_not_proven_and_says_what_to_do():
    one = verdict_on(replace(an_edge(), delayed=None))
    assert (one.verdict, one.leg, one.kept_late, one.sharpe_late) == ("not proven", "delay", None, None)
    assert "never simulated one bar later" in one.sentence
    assert "make the run again" in one.sentence


def test_nothing_is_kept_of_a_record_that_is_ruined_a_bar_later():
    one = an_edge()
    daily = one.daily.copy()
    daily[-1] = -1.0
    assert kept_when_late(replace(one, delayed=daily)) == 0.0
    assert kept_when_late(replace(one, daily=-np.abs(one.daily))) is None


def among(kept: float, n_gone: int, n_kept: int = 0, n_noise: int = 0):
    """The verdict on an edge that keeps this share, judged beside others of which `n_gone` keep nothing one bar later.

    Noise passes no question, whatever it keeps.
    """
    one, rng = late(kept), np.random.default_rng(1)
    on = market(np.random.default_rng(0))
    gone = [record(f"GONE {i}", on, rng, foresight=0.4) for i in range(n_gone)]
    others = [
        *(replace(other, delayed=other.daily - other.daily.mean()) for other in gone),
        *(record(f"KEPT {i}", on, rng, foresight=0.4) for i in range(n_kept)),
        *(record(f"NOISE {i}", on, rng) for i in range(n_noise)),
    ]
    return judge([one], others, spec=QUICK, guard_bars=20, seed=0).profiles["EDGE"]


def test_what_is_kept_by_luck_is_not_proven_where_most_that_look_as_good_are_gone():
    one = among(KEPT + 0.01, n_gone=3)
    assert (one.verdict, one.leg) == ("not proven", "delay")
    assert one.kept_late > KEPT
    assert one.p <= 0.05 < one.p_late
    assert "it keeps 41% of its profit, but 3 of the 4 trials that look as good keep less than 40%" in one.sentence
    assert f"may be luck, as in {one.p_late:.0%} of cases (net Sharpe {one.sharpe_late:.1f} instead" in one.sentence


def test_half_of_them_are_not_most_and_noise_is_not_among_them():
    for company in ({"n_gone": 1}, {"n_gone": 2, "n_kept": 1}, {"n_gone": 0, "n_noise": 5}):
        one = among(KEPT + 0.01, **company)
        assert (one.verdict, one.p_late) == ("proven", None)


def test_a_profit_beyond_luck_one_bar_later_is_proven_among_those_that_are_gone():
    one = among(0.9, n_gone=3)
    assert one.verdict == "proven"
    assert one.p_net <= one.p_late <= one.p <= 0.05


def test_what_is_left_is_counted_over_all_trials():
    """The same record beside the same company: sixty more that were tried make what it keeps less than beyond luck."""
    few, many = among(0.62, n_gone=3), among(0.62, n_gone=3, n_noise=60)
    assert few.verdict == "proven"
    assert (many.verdict, many.leg) == ("not proven", "delay")
    assert few.p_late <= 0.05 < many.p_late
    assert many.p <= 0.05


def test_a_trial_that_was_never_delayed_counts_by_number_and_says_nothing_of_the_company():
    on, rng = market(np.random.default_rng(0)), np.random.default_rng(1)
    others = [record(f"GONE {i}", on, rng, foresight=0.4) for i in range(3)]
    others = [replace(other, delayed=other.daily - other.daily.mean()) for other in others]
    older = [replace(record(f"OLD {i}", on, rng), delayed=None) for i in range(60)]
    few = judge([late(0.62)], others, spec=QUICK, guard_bars=20, seed=0).profiles["EDGE"]
    many = judge([late(0.62)], [*others, *older], spec=QUICK, guard_bars=20, seed=0).profiles["EDGE"]
    assert few.p_late <= 0.05 < many.p_late
    unknown = [replace(other, delayed=None) for other in others]
    assert judge([late(0.62)], unknown, spec=QUICK, guard_bars=20, seed=0).profiles["EDGE"].p_late is None


def test_most_is_more_than_half():
    assert [Company(4, n).is_mostly_gone for n in range(5)] == [False, False, False, True, True]
    assert not Company(0, 0).is_mostly_gone


def test_a_sharpe_ratio_above_ten_asks_for_the_data_to_be_looked_at():
    rng = np.random.default_rng(1)
    one = verdict_on(record("TICK", market(rng), rng, foresight=3.0, busy=1.0))
    assert one.sharpe > 10
    assert (one.verdict, one.leg) == ("not proven", "data")
    assert one.p <= 0.05
    assert "too good to be true (net Sharpe" in one.sentence
    assert "look at the data first" in one.sentence


def test_so_does_a_capital_that_grows_a_million_times():
    rng = np.random.default_rng(2)
    one = record("LEVER", market(rng, n_days=1200), rng, foresight=0.8)
    for lever, leg in ((1.0, None), (4.0, "data")):
        found = verdict_on(replace(one, daily=lever * one.daily, delayed=lever * one.daily))
        assert found.sharpe < 10
        assert found.leg == leg
    assert "e+" in found.sentence


def test_nothing_is_proven_beside_a_profit_that_cannot_be():
    rng = np.random.default_rng(2)
    sound = record("SOUND", market(rng, n_days=1200), rng, foresight=0.8)
    levered = replace(sound, key="LEVER", daily=4.0 * sound.daily, delayed=4.0 * sound.daily)
    alone = judge([sound], guard_bars=200, seed=0).profiles["SOUND"]
    beside = judge([sound, levered], guard_bars=200, seed=0).profiles["SOUND"]
    assert (alone.verdict, alone.leg) == ("proven", None)
    assert (beside.verdict, beside.leg, beside.until) == ("not proven", "data", None)
    assert "on the same data LEVER made a profit too good to be true: look at the data first" in beside.sentence
    assert f"(net Sharpe {beside.sharpe:.1f}, " in beside.sentence
