"""A venue on this machine that was listed in November 2024, and a download from it."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.data.sources.loopback import Loopback, serving, truth

from tradsys.data.download import download
from tradsys.data.settings import DataSettings
from tradsys.data.sources.venue import venue_of
from tradsys.data.store import SeriesId, SeriesStore

HOUR = timedelta(hours=1)
LISTED = datetime(2024, 11, 20, 5, tzinfo=UTC)
NOW = datetime(2025, 2, 3, 7, 20, tzinfo=UTC)


@pytest.fixture
def venue(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bars = truth(LISTED, 24 * 90, HOUR)
    with serving(Loopback(bars, HOUR, NOW, header_from=datetime(2024, 12, 1, tzinfo=UTC))) as loopback:
        yield loopback


@pytest.fixture
def series():
    return SeriesId.parse("binance:BTC/USDT:1h")


@pytest.fixture
def settings(venue, tmp_path):
    return DataSettings(
        root=str(tmp_path / "store"),
        archive_url=venue.url,
        spot_url=venue.url,
        futures_url=venue.url,
        ccxt_url=venue.url,
        requests_per_s=10_000,
        backoff_s=0.001,
        n_attempts=3,
    )


@pytest.fixture
def store(settings):
    return SeriesStore(settings.root)


@pytest.fixture
def fetch(store, series, settings):
    """Download what the test asks for, the series of this folder unless it names another."""

    def run(of=series, *, source="auto", settings=settings, **how):
        return download(store, of, venue_of(of, settings, source), **how)

    return run


@pytest.fixture
def closed(venue):
    """The bars that have closed by the venue's clock."""
    return venue.bars.filter(venue.bars["ts"] + HOUR <= venue.now)
