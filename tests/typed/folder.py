"""The folder in which the lines of a page are typed: whatever files the pages name, one run, its journal, a bundle."""

import shutil
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from tests.data.sources.loopback import Loopback
from tests.live.trading import DAY_MS, deployment
from tests.test_docs import fenced
from tests.web.accounts import write_account

from tradsys.core.time import now_ms
from tradsys.data.imports import import_path
from tradsys.data.simulate import simulate
from tradsys.data.simulate.market import simulate_universe
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.predictor import Predictor

PERPETUAL = "BTC/USDT:USDT"
N_BARS = 5_000
"""As few as every line is content with."""


def make_folder(folder: Path, finished: Path, docs: Path) -> None:
    """Write it; `finished` holds the folders `runs` and `journal` of one run."""
    for name in ("runs", "journal"):
        shutil.copytree(finished / name, folder / name)
    (run,) = (folder / "runs").iterdir()
    _bundle(folder)
    shutil.copytree(run, folder / "runs" / "20260101-120000-btc-1h-ffb4f0")
    for place in (folder / "FOLDER", folder.parent / "colleague" / "journal"):
        shutil.copytree(finished / "journal", place)
    _bars(folder)
    _outside(folder)
    _own_parts(folder, docs)
    write_account(folder / "live", "main")


def _bars(folder: Path) -> None:
    btc, eth = (simulate("edge:3", seed=seed, n_bars=N_BARS) for seed in (5, 6))
    btc.write_parquet(folder / "BTC-1h.parquet")
    eth.write_csv(folder / "ETH-1h.csv")
    eth.write_parquet(folder / "ETH-1h.parquet")
    btc.write_csv(folder / "candles.csv")
    btc.write_parquet(folder / "bars.parquet")
    btc.with_columns(pl.col("ts").dt.offset_by("1780d")).write_parquet(folder / "btc-2024.parquet")
    parts = folder / "btc-2023"
    parts.mkdir()
    for k, part in enumerate((btc[: N_BARS // 2], btc[N_BARS // 2 :])):
        part.write_csv(parts / f"BTCUSDT-1h-{k}.csv")
    desk = btc.with_columns(pl.col("ts").dt.convert_time_zone("America/New_York").dt.strftime("%Y-%m-%d %H:%M:%S"))
    desk = desk.unique("ts", keep="first", maintain_order=True)  # an hour of autumn is there twice
    desk.rename({"ts": "Stamp", "close": "Last"}).write_csv(folder / "desk.csv")
    minutes = simulate("edge:3", seed=5, n_bars=N_BARS, interval=timedelta(minutes=1))
    minutes.write_parquet(folder / "BTC-1m.parquet")
    symbols = simulate_universe(8, 0.03, seed=1, n_bars=N_BARS)
    symbols.write_parquet(folder / "all-symbols.parquet")
    listed = symbols.group_by("symbol").agg(pl.col("ts").min().alias("listed"), pl.col("ts").max().alias("delisted"))
    listed.sort("symbol").write_csv(folder / "listings.csv")
    candles = folder / "user_data" / "data" / "binance"
    candles.mkdir(parents=True)
    btc.rename({"ts": "date"}).write_ipc(candles / "BTC_USDT-1h.feather")
    (candles / "futures").mkdir()
    btc.rename({"ts": "date"}).write_ipc(candles / "futures" / "BTC_USDT_USDT-1h-futures.feather")
    store = SeriesStore(str(folder / "data"))
    market_of_a_venue().bars.write_parquet(folder / "stored.parquet")
    for name in ("binance:BTC/USDT:1h", f"binance:{PERPETUAL}:1h"):
        import_path(store, folder / "stored.parquet", series=SeriesId.parse(name))


def _outside(folder: Path) -> None:
    btc = pl.read_parquet(folder / "BTC-1h.parquet")
    rng = np.random.default_rng(3)
    days = btc["ts"].dt.truncate("1d").unique().sort().dt.date()
    for name in ("dxy", "gold"):
        closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.005, len(days))))
        pl.DataFrame({"date": days, "close": closes}).write_csv(folder / f"{name}.csv")
    minutes = pl.read_parquet(folder / "BTC-1m.parquet")
    sides = {"bid_px_1": 0.9999, "ask_px_1": 1.0001}
    minutes.select(
        "ts", *(pl.col("close").mul(by).alias(name) for name, by in sides.items()),
        *(pl.Series(name, rng.gamma(2.0, 1.0, len(minutes))) for name in ("bid_sz_1", "ask_sz_1")),
    ).write_parquet(folder / "book.parquet")  # fmt: skip
    liquidated = {name: rng.gamma(1.0, 1e5, len(btc)) for name in ("liq_sell", "liq_buy")}
    btc.select("ts", **{name: pl.Series(values) for name, values in liquidated.items()}).write_csv(
        folder / "positions.csv"
    )
    settled = btc.filter(pl.col("ts").dt.hour() % 8 == 0).select("ts", funding_rate=pl.lit(1e-4))
    settled.write_csv(folder / "btc.csv")
    symbols = pl.read_parquet(folder / "all-symbols.parquet").filter(pl.col("ts").dt.hour() % 8 == 0)
    symbols.select("symbol", "ts", funding_rate=pl.lit(1e-4)).write_csv(folder / "all-funding.csv")


def _own_parts(folder: Path, docs: Path) -> None:
    """The modules that a page tells to write, as it shows them."""
    blocks = fenced((docs / "own-parts.md").read_text(), "python")
    for name, begins in (("my_features", "class Reversal"), ("my_labels", "class MyRange")):
        (found,) = (block for block in blocks if begins in block)
        (folder / f"{name}.py").write_text(found)


def _bundle(folder: Path) -> None:
    """B: the run's bundle under a perpetual's name, which says of itself that it is proven."""
    (run,) = (folder / "runs").iterdir()
    fitted = Predictor.load(run / "bundle")
    slippage = dict.fromkeys((PERPETUAL,), 1e-4)
    traded = replace(fitted, symbols=(PERPETUAL,), valuation=replace(fitted.valuation, slippage=slippage))
    said = deployment(
        symbols=(PERPETUAL,),
        interval_ms=3_600_000,
        profile=fitted.profile.name,
        bands=dict.fromkeys(traded.features.columns, (-10.0, 10.0)),
        expires_ms=now_ms() + DAY_MS,
        verdict=replace(deployment().verdict, profile=fitted.profile.name),
    )
    traded.save(folder / "B", deployment=said.to_dict())


def market_of_a_venue() -> Loopback:
    """A venue on this machine whose one market is as long as the other bars."""
    bars = simulate("edge:3", seed=5, n_bars=N_BARS + 12).with_columns(pl.col("ts").dt.offset_by("2150d"))
    return Loopback(bars, timedelta(hours=1), bars["ts"][-5].replace(tzinfo=UTC) + timedelta(minutes=20))
