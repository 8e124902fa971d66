"""What every source from outside must keep to, on a plain frame and in a market; a new one joins by one entry."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.research.markets import market_from
from tests.settings.macro_files import write_series

from tradsys.core.bars import OHLCV
from tradsys.data.outside.book.book_file import BookFile
from tradsys.data.outside.funding import FundingFile
from tradsys.data.outside.macro.macro_series import MacroSeries
from tradsys.data.outside.positions.position_source import PositionSource
from tradsys.data.outside.source import attach_outside, join_outside
from tradsys.data.simulate import simulate

HOUR = timedelta(hours=1)
N = 3_000


def book_file(folder, bars):
    close = bars["close"].to_numpy()
    columns = {
        f"{side}_px_{k}": close * (1 + sign * k / 1e3) for side, sign in (("bid", -1), ("ask", 1)) for k in (1, 2)
    }
    columns |= {f"{side}_sz_{k}": close / k for side in ("bid", "ask") for k in (1, 2)}
    pl.DataFrame({"ts": bars["ts"].dt.offset_by("50m"), **columns}).write_parquet(folder / "book.parquet")
    return BookFile.parse(f"X={folder / 'book.parquet'}")


def positions_file(folder, bars):
    rows = {"open_interest": bars["volume"] + 1.0, "basis": bars["close"] / 1e6, "liq_sell": 1.0, "liq_buy": 2.0}
    pl.DataFrame({"ts": bars["ts"].dt.offset_by("50m"), **rows}).write_parquet(folder / "positions.parquet")
    return PositionSource.parse(f"X={folder / 'positions.parquet'}?lag_s=60")


def funding_file(folder, bars):
    ts = bars["ts"].filter(bars["ts"].dt.hour() % 8 == 0)
    rates = np.random.default_rng(0).normal(1e-4, 1e-4, len(ts))
    pl.DataFrame({"funding_time": ts, "rate": rates, "interval_hours": 8}).write_parquet(folder / "funding.parquet")
    return FundingFile.parse(f"X={folder / 'funding.parquet'}")


def macro_file(folder, bars):
    write_series(folder, bars, "vix", seed=1)
    return MacroSeries.parse(f"vix={folder / 'vix.csv'}")


SOURCES = [book_file, positions_file, funding_file, macro_file]


@pytest.fixture(scope="module")
def bars():
    return simulate("noise", seed=5, n_bars=N)


@pytest.fixture(scope="module", params=SOURCES, ids=lambda made: made.__name__)
def source(request, tmp_path_factory, bars):
    return request.param(tmp_path_factory.mktemp("outside"), bars)


@pytest.fixture(scope="module")
def joined(source, bars):
    return join_outside(bars, [source], interval=HOUR, symbol="X")


def test_a_plain_frame_gets_columns_beside_its_own(bars, joined):
    new = joined.columns[len(bars.columns) :]
    assert joined.select(bars.columns).equals(bars)
    assert new and all(joined.schema[name] == pl.Float64 for name in new)
    assert joined.select(new).null_count().sum_horizontal()[0] == 0
    assert any(np.isfinite(joined[name].to_numpy()[-100:]).any() for name in new)


def test_a_market_gets_the_columns_of_a_plain_frame_and_says_where_from(source, bars, joined):
    plain = market_from({"X": bars})
    market = attach_outside(plain, [source])
    assert market.frames()["X"].equals(joined)
    assert market.fingerprint != plain.fingerprint
    assert len(market.outside) == 1 and market.outside[0]
    assert attach_outside(plain, []) is plain


def test_bars_that_come_later_change_nothing(source, bars, joined):
    shorter = join_outside(bars[:2_500], [source], interval=HOUR, symbol="X")
    assert shorter.equals(joined[:2_500])


def test_no_bar_is_no_question(source, bars):
    none = bars.select("ts", *OHLCV)[:0]
    assert join_outside(none, [source], interval=HOUR, symbol="X") is none
