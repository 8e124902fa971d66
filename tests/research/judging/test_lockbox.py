"""The lock-box: opened once, recorded for good."""

import shutil

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import NotEnoughBars
from tradsys.journal.ledger import Ledger
from tradsys.research.run import run


@pytest.fixture(scope="module")
def judgeable(quick_config):
    """The quick settings, with rules by which fifty days are enough for a verdict."""
    return quick_config.with_settings({"verdict.min_days": 20})


@pytest.fixture(scope="module")
def opened(small_market, judgeable, finished, tmp_path_factory):
    root = tmp_path_factory.mktemp("opened")
    shutil.copytree(finished[2] / "journal", root / "journal")
    ledger = Ledger(root / "journal" / "ledger.jsonl")
    return run(small_market, judgeable, root=root / "runs", ledger=ledger, open_the_lockbox=True), ledger, root


def test_a_run_leaves_the_lockbox_alone_unless_asked(finished):
    assert finished[0].verdict.lockbox is None
    assert finished[1].entries("lockbox") == []


def test_opening_is_written_into_the_run_and_the_ledger(opened):
    (entry,) = opened[1].entries("lockbox")
    assert entry.content["profile"] == opened[0].verdict.lockbox.profile == "SNIPER"
    assert opened[0].verdict.lockbox.n_other_openings == 0
    assert opened[0].verdict.lockbox.n_days == 51


def test_one_that_holds_too_few_days_for_any_verdict_stays_closed(small_market, quick_config, tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(
        NotEnoughBars, match=r"the lock-box holds 51 days, and a verdict needs 300 \(verdict\.min_days\)"
    ):
        run(small_market, quick_config, root=tmp_path / "runs", ledger=ledger, open_the_lockbox=True)
    assert ledger.entries() == []


def test_opening_changes_nothing_of_what_lies_before_it(opened, finished):
    for name in ("labels.parquet", "trades.parquet", "forecasts.parquet"):
        assert (opened[0].folder / name).read_bytes() == (finished[0].folder / name).read_bytes(), name


def test_another_configuration_that_opens_the_same_lockbox_is_counted(opened, small_market, judgeable, tmp_path):
    shutil.copytree(opened[2] / "journal", tmp_path / "journal")
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    other = judgeable.model_copy(update={"strategy_profile": "EDGE"})
    second = run(small_market, other, root=tmp_path / "runs", ledger=ledger, open_the_lockbox=True)
    assert second.verdict.lockbox.n_other_openings == 1


def test_future_bars_change_no_forecast_before_them(small_market, quick_config, finished, tmp_path):
    """The lock-box's bars replaced by others: everything of the run but the data's own names keeps its bytes."""
    from tradsys.data import load_market

    bars = small_market.bars
    cut = int(len(bars) * 0.8) + 2
    rng = np.random.default_rng(0)
    factor = np.concatenate([np.ones(cut), np.exp(np.cumsum(rng.normal(0, 0.05, len(bars) - cut)))])
    changed = bars.with_columns(*(pl.col(name) * factor for name in ("open", "high", "low", "close")))
    path = tmp_path / "EDGE-1h.parquet"
    changed.drop("symbol").write_parquet(path)
    other = run(load_market([path]), quick_config, root=tmp_path / "runs", ledger=Ledger(tmp_path / "ledger.jsonl"))
    for name in ("trades.parquet", "forecasts.parquet", "labels.parquet", "equity.parquet"):
        assert (other.folder / name).read_bytes() == (finished[0].folder / name).read_bytes(), name
