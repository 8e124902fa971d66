"""How often paths of different coins are taken for one market, and the same coin's for two, on real bars."""

from itertools import combinations

import polars as pl
import pytest

from tradsys.core.price_path import PricePath
from tradsys.core.time import HOUR_MS

pytestmark = pytest.mark.needs_data


@pytest.fixture(scope="module")
def coins(development_data):
    files = sorted((development_data / "breadth").glob("*-1h-binancefut.parquet"))[::4]
    return {file.name.split("-")[0]: bars_in(file) for file in files}


def bars_in(file):
    return pl.read_parquet(file).with_columns(pl.col("ts").cast(pl.Datetime("ms", "UTC")))


def test_different_coins_share_no_month(coins):
    paths = [PricePath.of(bars, HOUR_MS) for bars in coins.values()]
    months = [one.months_shared(other) for one, other in combinations(paths, 2)]
    assert sum(map(len, months)) > 2_000
    assert sum(shared.sum() for shared in months) == 0


def test_a_coin_shares_its_months_with_another_file_and_interval_of_it(development_data):
    hourly = PricePath.of(bars_in(development_data / "breadth" / "BTCUSDT-1h-binancefut.parquet"), HOUR_MS)
    spot = PricePath.of(bars_in(development_data / "market" / "BTCUSDT-5m-binancespot.parquet"), HOUR_MS // 12)
    assert spot.months_shared(hourly)[:-1].all()
