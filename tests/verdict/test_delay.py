"""Orders that come one bar later, and profits that cannot be."""

from dataclasses import replace

import numpy as np
import pytest
from tests.verdict.records import market, record

from tradsys.journal import TrialSeries
from tradsys.verdict import VerdictSpec, judge
from tradsys.verdict.delay import KEPT, kept_when_late

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
