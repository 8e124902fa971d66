"""A feature that peeks in few of its rows is found by rows whose future is taken away one by one."""

import numpy as np
import polars as pl
import pytest
from tests.research.leaky import quick_experiment
from tests.research.markets import market_of
from tests.research.peekers import InOnePercent, RemembersMore, peekers

from tradsys.core.errors import LookaheadError
from tradsys.core.time import HOUR_MS, ts_ms
from tradsys.data.simulate import simulate
from tradsys.data.simulate.market import HOUR
from tradsys.features.catalogue import DEFAULT
from tradsys.features.feature_set import FeatureSet
from tradsys.features.fractional import FracDiff
from tradsys.features.momentum import LogReturns
from tradsys.research.lookahead.cut_rows import outstanding_rows, random_rows, telling_rows
from tradsys.research.lookahead.findings import Lookahead, RowsChecked, Search, refuse
from tradsys.research.lookahead.lookahead import ALL_ROWS, SAMPLE_ROWS, look_ahead_sample
from tradsys.research.lookahead.short_cuts import check_rows, windows
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment import run_experiment


def gapped(seed: int, n_bars: int = 8_000) -> pl.DataFrame:
    kept = np.ones(n_bars, bool)
    kept[np.random.default_rng(seed).choice(n_bars, 25)] = False
    return simulate("noise", n_bars=n_bars, seed=seed).filter(kept)


def checked(bars: pl.DataFrame, *features, cuts=SAMPLE_ROWS, seed=0) -> tuple[Search, RowsChecked]:
    closes = ts_ms(bars) + HOUR_MS
    search, data = Search(closes, {"X": closes}), Dataset(HOUR, {"X": bars}, {})
    return search, check_rows(search, data, FeatureSet(features).fit([bars]), cuts, seed=seed)


@pytest.mark.parametrize("cuts", [SAMPLE_ROWS, ALL_ROWS], ids=["run", "lookahead"])
@pytest.mark.parametrize("kind", range(8))
def test_who_peeks_in_few_rows_is_found(kind, cuts):
    for seed in range(3):
        bars = gapped(seed)
        feature = peekers(bars, seed)[kind]
        search, _ = checked(bars, LogReturns((1, 3)), feature, cuts=cuts, seed=seed)
        assert {column for _, column, _ in search.found} == {feature.name}


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(8))
def test_a_run_finds_who_peeks_in_one_percent_of_five_years(kind):
    """In 19 of 20 markets at least; `tradsys lookahead` in all."""
    n_found = 0
    for seed in range(20):
        bars = gapped(seed, 43_800)
        feature = peekers(bars, seed)[kind]
        n_found += bool(checked(bars, feature, seed=seed)[0].found)
        assert seed % 5 or checked(bars, feature, cuts=ALL_ROWS, seed=seed)[0].found
    assert n_found >= 19


@pytest.mark.parametrize("cuts", [SAMPLE_ROWS, ALL_ROWS], ids=["run", "lookahead"])
def test_honest_features_are_left_in_peace(cuts):
    search, rows = checked(gapped(1, 5_000), *DEFAULT, cuts=cuts)
    assert not search.found
    assert rows.unsettled == ()
    assert rows.n_random == (700 if cuts is SAMPLE_ROWS else rows.n_rows)


def test_one_that_takes_no_gaps_is_checked_in_as_many_rows():
    search, rows = checked(simulate("noise", n_bars=3_000), FracDiff(d=0.4, tau=1e-3), cuts=ALL_ROWS)
    assert not search.found
    assert rows.unsettled == ()
    assert search.n_values >= 2_900


def test_one_that_remembers_more_than_it_says_is_no_leak_and_is_named():
    search, rows = checked(gapped(2), RemembersMore(0))
    assert not search.found
    assert rows.unsettled == ("remembers_more",)
    assert "fewer rows of remembers_more, which needs more bars than its lookback says" in rows.sentence


def test_a_run_refuses_what_its_three_points_would_have_missed():
    spec = quick_experiment(features=FeatureSet((LogReturns((1, 3, 12)), InOnePercent(4))))
    outcome = run_experiment(market_of("noise", 4), spec)
    looked = look_ahead_sample(outcome, spec)
    with pytest.raises(LookaheadError, match="features: in_one_percent of X saw 1 bar ahead"):
        refuse(looked)


def test_windows_hold_each_row_with_what_it_looks_back_on_and_never_the_next_bar():
    rows = np.unique(np.random.default_rng(3).integers(0, 400, 90))
    met = []
    for places, taken, ends in windows(rows, 7):
        assert (np.diff(taken) > 0).all()
        met += rows[places].tolist()
        for row, end in zip(rows[places].tolist(), ends.tolist(), strict=True):
            size = min(row + 1, 7)
            assert taken[end - size + 1 : end + 1].tolist() == list(range(row + 1 - size, row + 1))
            assert row + 1 not in taken
    assert sorted(met) == rows.tolist()


def test_random_rows_are_spread_over_the_hours_of_the_week():
    bars = simulate("noise", n_bars=5_000)
    rows = random_rows(bars, 700, np.random.default_rng(0))
    hours = (ts_ms(bars)[rows] // HOUR_MS) % 168
    assert len(np.unique(rows)) == 700
    assert set(np.bincount(hours, minlength=168).tolist()) == {4, 5}
    assert random_rows(bars, 5_000, np.random.default_rng(0)).tolist() == list(range(4_999))


def test_telling_rows_hold_the_largest_moves_and_the_bars_around_gaps():
    bars = gapped(5)
    rows = set(telling_rows(bars, 40, np.random.default_rng(0)).tolist())
    moves = np.abs(np.diff(np.log(bars["close"].to_numpy())))
    assert set(np.argsort(-moves)[:40].tolist()) <= rows
    (before,) = np.flatnonzero(np.diff(ts_ms(bars)) > HOUR_MS)[:1].tolist()
    assert {before, before + 1} <= rows
    assert len(bars) - 1 not in rows


def test_outstanding_rows_hold_extremes_spikes_and_where_values_come_and_go():
    bars = simulate("noise", n_bars=500)
    values = np.sin(np.arange(500) / 50.0)
    values[200], values[300:310] = 9.0, np.nan
    values[400] = 0.9
    rows = set(outstanding_rows(values, bars, 3).tolist())
    assert {200, 299, 300, 309, 310, 400} <= rows


def test_the_sentence_says_which_share_of_peeking_rows_would_have_been_met():
    assert "one that peeks in 1.0% of its rows is met 99 times in 100" in RowsChecked(458, 40_000, 500).sentence
    assert RowsChecked(500, 500, 500).least_share == 0
    assert RowsChecked(500, 500, 500).sentence == "features of all 500 rows computed without what follows"
    assert "features of all 500 rows" in Lookahead(2, 10, (), RowsChecked(500, 500, 500)).sentence
