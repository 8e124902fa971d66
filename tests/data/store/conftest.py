"""A store in a fresh folder, and a small series to write."""

from datetime import UTC, datetime

import polars as pl
import pytest
from tests.data.store.made import some_bars

from tradsys.data.store import SeriesId, SeriesStore


@pytest.fixture
def series() -> SeriesId:
    return SeriesId.parse("binance:BTC/USDT:1h")


@pytest.fixture
def store(tmp_path) -> SeriesStore:
    return SeriesStore(tmp_path / "data")


@pytest.fixture
def bars() -> pl.DataFrame:
    """Ten days around a new year."""
    return some_bars(datetime(2023, 12, 27, tzinfo=UTC), 240)
