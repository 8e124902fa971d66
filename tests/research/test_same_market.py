"""Trials on a market count again when its bars come stored in another way."""

import polars as pl
import pytest

from tradsys.data import load_market
from tradsys.journal import Ledger
from tradsys.research.run import run

OHLC = ("open", "high", "low", "close")

STORED = {
    "single precision": lambda bars: bars.with_columns(pl.col(*OHLC).cast(pl.Float32)),
    "an hour later": lambda bars: bars.with_columns(pl.col("ts").dt.offset_by("1h")),
    "a minute later and 1.0000001 times the price": lambda bars: bars.with_columns(
        pl.col("ts").dt.offset_by("1m"), pl.col(*OHLC) * 1.0000001
    ),
    "ten years earlier, upside down": lambda bars: bars.with_columns(
        pl.col("ts").dt.offset_by("-3650d"),
        **{name: 1e4 / pl.col(of) for name, of in zip(OHLC, ("open", "low", "high", "close"), strict=True)},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", STORED)
def test_a_market_stored_otherwise_carries_its_trials(how, small_market, quick_config, finished, tmp_path):
    _, earlier, _ = finished
    path = tmp_path / "OTHER-1h.parquet"
    STORED[how](small_market.bars.drop("symbol")).write_parquet(path)
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    ledger.keep_paths(small_market.paths)
    for entry in earlier.entries("trial"):
        ledger.append(entry.content)
    done = run(load_market([path]), quick_config, root=tmp_path / "runs", ledger=ledger)
    assert done.verdict.n_trials == earlier.n_trials_on(small_market.blocks) + 4
