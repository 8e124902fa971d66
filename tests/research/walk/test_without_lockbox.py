"""`folds.lockbox=0`: all of the history is tested, the run says so, and there is nothing to open."""

import pytest

from tradsys.cli.tested import out_of_sample_lines
from tradsys.core.errors import ConfigError
from tradsys.core.time import HOUR_MS, stamp, ts_ms
from tradsys.data.market import load_market
from tradsys.data.simulate.market import simulate_universe
from tradsys.journal.ledger import Ledger
from tradsys.report import render
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.run import run
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.research.walk.folds import walk_forward
from tradsys.research.walk.lockbox import development_data
from tradsys.settings.config import RunConfig

SETTINGS = {"folds.lockbox": 0.0, "universe.min_listed_days": 1, "verdict.min_days": 30, "verdict.n_bootstrap": 99}


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    path = tmp_path_factory.mktemp("six") / "SIX-1h.parquet"
    simulate_universe(6, seed=3, n_bars=24 * 300).write_parquet(path)
    return load_market([path])


def test_the_last_block_reaches_to_the_last_bar(small_market):
    spec = experiment_on(small_market, RunConfig().with_settings(SETTINGS))
    data = development_data(small_market, spec)
    folds = walk_forward(data, spec, spec.embargo(small_market.interval))
    assert len(data.frames["EDGE"]) == len(small_market.bars)
    labelled = max(one.start[one.is_labelled].max() for one in data.labels.values())
    assert folds[-1].closes > labelled
    assert labelled > ts_ms(small_market.bars)[-1] - 30 * HOUR_MS


def test_a_run_tests_all_and_says_so(market, tmp_path):
    config, ledger = RunConfig().with_settings(SETTINGS), Ledger(tmp_path / "journal" / "ledger.jsonl")
    done = run(market, config, procedure=RankProcedure.of, root=tmp_path / "runs", ledger=ledger, render=render)
    assert done.metrics.market.lockbox_from is None
    assert done.metrics.market.tested_to == stamp(market.closes)
    assert "nothing stays closed: there is no lock-box" in " ".join(done.metrics.assumptions)
    assert out_of_sample_lines(done.metrics)[0].endswith("; there is no lock-box")
    assert "none: all of the history is tested" in done.report.read_text()
    assert rejudge(Replay(done.folder), ledger).now == done.verdict


def test_there_is_nothing_to_open(market, tmp_path):
    config, ledger = RunConfig().with_settings(SETTINGS), Ledger(tmp_path / "journal" / "ledger.jsonl")
    with pytest.raises(ConfigError, match=r"--open-lockbox needs one, found folds.lockbox=0"):
        run(
            market,
            config,
            procedure=RankProcedure.of,
            root=tmp_path / "runs",
            ledger=ledger,
            open_the_lockbox=True,
        )
    assert not ledger.entries()


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_other_shares_are_refused(share):
    with pytest.raises(ConfigError, match="lockbox"):
        RunConfig().with_settings({"folds.lockbox": share})
