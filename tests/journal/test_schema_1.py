"""A ledger that was written before digests had a schema is read and counted as before."""

import shutil
from pathlib import Path

import pytest

from tradsys.data.market import load_market
from tradsys.data.simulate.market import simulate_universe
from tradsys.journal.ledger import Ledger
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.run import run
from tradsys.settings.config import RunConfig

WRITTEN = Path(__file__).parent / "schema_1"
"""By `tradsys rank --lookback 48` on the bars below, with the version before schemas."""

SETTINGS = {"universe.min_listed_days": 1, "verdict.min_days": 30, "verdict.n_bootstrap": 99}


@pytest.fixture
def market(tmp_path):
    simulate_universe(6, seed=3, n_bars=24 * 400).write_parquet(tmp_path / "SIX-1h.parquet")
    return load_market([tmp_path / "SIX-1h.parquet"])


@pytest.mark.parametrize(("lookback", "n_trials"), [(48, 1), (96, 2)])
def test_its_trials_count_and_the_same_trial_under_its_new_digest_counts_once(market, tmp_path, lookback, n_trials):
    shutil.copytree(WRITTEN, tmp_path / "journal")
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    before = [entry.hash for entry in ledger.entries_on(market.blocks)]
    assert len(before) == 2
    config = RunConfig().with_settings({**SETTINGS, "rank.lookback": lookback})
    ranked = run(market, config, procedure=RankProcedure.of, root=tmp_path / "runs", ledger=ledger)
    assert ranked.verdict.n_trials == n_trials
    assert [entry.hash for entry in ledger.entries_on(market.blocks)][:2] == before
