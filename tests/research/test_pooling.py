"""Symbols that are not there all the time: listed late, or in the lock-box alone."""

import polars as pl
import pytest

from tradsys.core.costs import Costs
from tradsys.data import load_market
from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger
from tradsys.labels.barriers import BarrierSpec
from tradsys.research.judging.rejudge import Replay
from tradsys.research.run import run
from tradsys.research.walk.dataset import Dataset


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    """A market all along, one that is listed after the first fold, and one that the lock-box alone knows."""
    folder = tmp_path_factory.mktemp("pooled")
    for seed, (name, n_last) in enumerate((("ALL", 5_200), ("LATE", 2_600), ("NEW", 500))):
        simulate("edge:3", seed=seed, n_bars=5_200).tail(n_last).write_parquet(folder / f"{name}-1h.parquet")
    return load_market([folder / f"{name}-1h.parquet" for name in ("ALL", "LATE", "NEW")])


@pytest.fixture(scope="module")
def opened(pooled, quick_config, tmp_path_factory):
    root = tmp_path_factory.mktemp("work")
    ledger = Ledger(root / "journal" / "ledger.jsonl")
    judgeable = quick_config.with_settings({"verdict.min_days": 20})
    return run(pooled, judgeable, root=root / "runs", ledger=ledger, open_the_lockbox=True)


def test_a_symbol_without_training_rows_is_not_fitted_on(pooled):
    data = Dataset.build(pooled.bars, pooled.interval, BarrierSpec(), Costs())
    rows = tuple(one.is_labelled & (symbol == "LATE") for symbol, one in data.labels.items())
    (frame,) = data.before(rows)
    assert frame["ts"][0] == data.frames["LATE"]["ts"][0]
    assert len(frame) < len(data.frames["LATE"])


@pytest.mark.slow
def test_a_symbol_listed_late_is_forecast_from_its_first_bars_on(opened):
    forecasts = pl.read_parquet(opened.folder / "forecasts.parquet")
    seen = dict(forecasts.group_by("symbol").agg(pl.col("fold").n_unique()).iter_rows())
    assert seen["ALL"] == 6
    assert 0 < seen["LATE"] < 6


@pytest.mark.slow
def test_a_symbol_that_only_the_lockbox_knows_trades_there_alone(opened):
    assert "NEW" not in pl.read_parquet(opened.folder / "forecasts.parquet")["symbol"].unique()
    assert opened.verdict.lockbox.n_trades > 0


@pytest.mark.slow
def test_a_replay_gives_each_symbol_the_share_of_equity_that_the_run_gave_it(opened):
    stored = Replay(opened.folder)
    assert stored.spec.portfolio.fraction == pytest.approx(1 / 3)
    trades = pl.read_parquet(opened.folder / "trades.parquet").filter(pl.col("profile") == "RECKLESS").drop("profile")
    assert stored.simulate(stored.profile("RECKLESS")).trades.equals(trades)
