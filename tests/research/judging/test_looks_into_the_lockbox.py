"""Whoever tests on days of the lock-box has looked into it: before it is opened, and after."""

import logging
import shutil
from dataclasses import replace

import polars as pl
import pytest

from tradsys.data.market import load_market
from tradsys.data.simulate.market import simulate_universe
from tradsys.journal.entries import Training, TuningTrial
from tradsys.journal.ledger import Ledger
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.judging.run_folders import count_run_folders
from tradsys.research.judging.trials import data_of, judged_data
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.run import run
from tradsys.settings.config import RunConfig

SETTINGS = {"universe.min_listed_days": 1, "verdict.min_days": 30, "verdict.n_bootstrap": 99, "rank.lookback": 48}
WIDE = {"folds.lockbox": 0.01}


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    path = tmp_path_factory.mktemp("six") / "SIX-1h.parquet"
    simulate_universe(6, seed=3, n_bars=24 * 400).write_parquet(path)
    return load_market([path])


@pytest.fixture
def ranked(market, tmp_path):
    """A run of ranks with further settings, all of them with one ledger."""

    def make(settings=None, *, of=market, journal="journal", **options):
        ledger = Ledger(tmp_path / journal / "ledger.jsonl")
        config = RunConfig().with_settings(SETTINGS | (settings or {}))
        return run(of, config, procedure=RankProcedure.of, root=tmp_path / "runs", ledger=ledger, **options)

    return make


def until(market, days):
    """The market without its last days."""
    last = market.bars["ts"].max()
    bars = market.bars.filter(pl.col("ts") <= last - pl.duration(days=days))
    path = market.sources[0].replace("SIX", f"SIX-{days}")
    bars.write_parquet(path)
    return load_market([path])


def test_an_unseen_box_says_nothing_of_looks(ranked):
    box = ranked(open_the_lockbox=True).verdict.lockbox
    assert (box.n_other_openings, box.n_tested_inside) == (0, 0)
    assert "first look" not in box.sentence


def test_a_trial_in_a_smaller_boxs_free_part_counts_when_the_larger_one_is_opened(ranked):
    ranked(WIDE)
    box = ranked(open_the_lockbox=True).verdict.lockbox
    assert (box.n_other_openings, box.n_tested_inside) == (0, 1)
    said = "; nobody's first look: before, 1 trial was tested on days of it, and this verdict counts them"
    assert box.sentence.endswith(said)


def test_an_opening_counts_for_who_tests_there_later(ranked):
    assert ranked(open_the_lockbox=True).verdict.n_trials == 1
    assert ranked(WIDE | {"rank.lookback": 96}).verdict.n_trials == 3  # itself, the first trial, its opening


def test_a_box_that_moved_with_the_end_of_the_data_is_the_same_days(ranked, market):
    """A run on all of the data tests days that are the box of the same data a hundred days ago; and the other way."""
    ranked()
    box = ranked(of=until(market, 100), open_the_lockbox=True).verdict.lockbox
    assert (box.n_other_openings, box.n_tested_inside) == (0, 1)
    again = ranked({"rank.lookback": 96}, of=until(market, 90), open_the_lockbox=True).verdict.lockbox
    assert again.n_other_openings == 1
    assert again.n_tested_inside == 1
    assert "1 trial was tested on days of it and it was opened 1 time" in again.sentence


def test_what_was_trained_or_tuned_on_days_of_the_box_counts_and_what_was_tuned_before_it_does_not(
    ranked, market, tmp_path
):
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    opens, day = market.closes - 80 * 86_400_000, 86_400_000
    shared = {"data": data_of(market), "seed": 0, "code": "c"}
    scores = {"gain": 1.0, "low": None, "high": None, "n": 9}
    for span in ((opens + day, opens + 9 * day), (opens - 99 * day, opens - 9 * day)):
        judged = judged_data(market, *span)
        tuned = TuningTrial(**shared, study="s", number=span[0], settings={}, scores={}, judged=judged)
        ledger.append(Training(**shared, experiment="e", agent="resnet", **scores, judged=judged).content())
        ledger.append(tuned.content())
    assert ranked(open_the_lockbox=True).verdict.lockbox.n_tested_inside == 2
    assert ranked().verdict.n_trials == 1 + 2  # the earlier two lie where the ranks are tested


class TestRunFolders:
    """A ledger that is gone is missed by the run folders beside it."""

    @pytest.fixture
    def done(self, ranked):
        return ranked(open_the_lockbox=True)

    def test_they_count_when_the_whole_journal_is_gone(self, done, ranked, tmp_path, caplog):
        shutil.rmtree(tmp_path / "journal")
        with caplog.at_level(logging.WARNING):
            again = ranked(WIDE | {"rank.lookback": 96})
        assert again.verdict.n_trials == 3
        assert f"does not hold what was tried in 1 run of {tmp_path / 'runs'}: {done.name}" in caplog.text

    def test_an_opening_that_is_gone_counts_too(self, done, ranked, tmp_path):
        shutil.rmtree(tmp_path / "journal")
        box = ranked({"rank.lookback": 96}, open_the_lockbox=True).verdict.lockbox
        assert box.n_other_openings == 1

    def test_a_run_whose_trials_are_in_the_ledger_says_nothing(self, done, tmp_path, caplog):
        ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
        with caplog.at_level(logging.WARNING):
            count_run_folders(tmp_path / "runs", ledger)
        assert not caplog.records
        assert ledger.counted == tuple(ledger.entries())

    def test_the_run_itself_is_counted_once_when_it_is_made_again(self, done, ranked, tmp_path):
        shutil.rmtree(tmp_path / "journal")
        assert ranked().verdict.n_trials == 1

    def test_a_run_of_before_folders_said_what_was_judged_counts_for_all_of_its_data(self, done, ranked, tmp_path):
        shutil.rmtree(tmp_path / "journal")
        path = done.folder / "manifest.json"
        path.write_text(path.read_text().replace('"judged"', '"unknown"'))
        assert ranked({"rank.lookback": 96}).verdict.n_trials == 2

    def test_other_files_are_no_runs_and_told_as_such(self, done, tmp_path, caplog):
        (tmp_path / "runs" / "mine").mkdir()
        (tmp_path / "runs" / "mine" / "manifest.json").write_text("[]")
        count_run_folders(tmp_path / "runs", Ledger(tmp_path / "journal" / "ledger.jsonl"))
        assert "mine/manifest.json is no manifest of a run" in caplog.text

    def test_judged_again_with_the_folders_it_is_the_verdict_that_was(self, done, ranked, tmp_path):
        shutil.rmtree(tmp_path / "journal")
        second = Replay(ranked({"rank.lookback": 96}).folder)
        ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
        count_run_folders(tmp_path / "runs", ledger)
        assert not rejudge(second, ledger).has_grown
        assert second.verdict.n_trials == 2

    def test_a_market_of_other_prices_is_not_counted(self, done, ranked, market, tmp_path):
        shutil.rmtree(tmp_path / "journal")
        path = tmp_path / "OTHER-1h.parquet"
        simulate_universe(6, seed=4, n_bars=24 * 400).write_parquet(path)
        assert ranked(of=replace(load_market([path]))).verdict.n_trials == 1
