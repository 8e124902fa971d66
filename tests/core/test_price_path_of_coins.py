"""How often paths of different coins are taken for one market, and the same coin's for two, on real bars."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from tradsys.core.price_path import STEP_MS, PricePath
from tradsys.core.time import HOUR_MS

pytestmark = pytest.mark.needs_data


@pytest.fixture(scope="module")
def coins(development_data):
    files = sorted((development_data / "breadth").glob("*-1h-binancefut.parquet"))[::4]
    return {file.name.split("-")[0]: bars_in(file) for file in files}


def bars_in(file):
    return pl.read_parquet(file).with_columns(pl.col("ts").cast(pl.Datetime("ms", "UTC")))


def months_of(path: PricePath) -> list[np.datetime64]:
    """The calendar months (UTC) in which the path has prices."""
    steps = path.first + np.flatnonzero(np.isfinite(path.log_price))
    return sorted(set((steps * STEP_MS).astype("datetime64[ms]").astype("datetime64[M]")))


def test_different_coins_share_no_month(coins):
    paths = [PricePath.of(bars, HOUR_MS) for bars in coins.values()]
    assert sum(len(months_of(path)) for path in paths) * (len(paths) - 1) > 2_000
    assert [pair for pair in combinations(paths, 2) if pair[0].shares_a_month(pair[1])] == []


def test_a_coin_shares_its_months_with_another_file_and_interval_of_it(development_data):
    hourly = PricePath.of(bars_in(development_data / "breadth" / "BTCUSDT-1h-binancefut.parquet"), HOUR_MS)
    spot = PricePath.of(bars_in(development_data / "market" / "BTCUSDT-5m-binancespot.parquet"), HOUR_MS // 12)
    shared = {np.datetime64(span.opens, "ms").astype("datetime64[M]") for span in spot.spans_shared(hourly)}
    assert set(months_of(spot)[:-1]) <= shared
