"""`--bars VENUE:SYMBOL:INTERVAL` reads the store, and says how to fill it."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.store.made import PAGES, some_bars

from tradsys.core.errors import ConfigError
from tradsys.data import load_bars, load_market
from tradsys.data.load import load
from tradsys.data.settings import DataSettings
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.manifest import Flaw

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = SeriesId.parse("binance:BTC/USDT:1h")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TRADSYS_DATA__ROOT", str(tmp_path / "kept"))
    return SeriesStore(tmp_path / "kept")


def test_a_stored_series_is_loaded_by_its_name(store):
    bars = some_bars(START, 100)
    store.write(HOUR, bars, PAGES)
    assert load_bars(str(HOUR)).equals(bars)
    assert load(str(HOUR), settings=DataSettings.load()).symbol == "BTC/USDT"
    assert load_market([str(HOUR)], settings=DataSettings.load()).symbols == ("BTC/USDT",)


def test_only_the_public_way_to_bars_reads_what_the_environment_says(store):
    store.write(HOUR, some_bars(START, 10), PAGES)
    assert len(load_bars(str(HOUR))) == 10
    for loading in (lambda: load(str(HOUR)), lambda: load_market([str(HOUR)])):
        with pytest.raises(ConfigError, match="is not in the store at data"):
            loading()


def test_the_root_may_be_given_by_hand(store, tmp_path):
    SeriesStore(tmp_path / "other").write(HOUR, some_bars(START, 10), PAGES)
    assert len(load_bars(str(HOUR), settings=DataSettings(root=str(tmp_path / "other")))) == 10


def test_what_is_missing_names_the_command_that_fetches_it(store):
    with pytest.raises(ConfigError, match=r"which is empty.*: tradsys data download binance:BTC/USDT:1h --from"):
        load_bars(str(HOUR))
    store.write(SeriesId.parse("kraken:ETH/USD:1h"), some_bars(START, 10), PAGES)
    with pytest.raises(ConfigError, match=r"which holds kraken:ETH/USD:1h"):
        load_bars(str(HOUR))


def test_an_interval_that_is_not_stored_is_made_of_the_longest_that_divides_it(store):
    for minutes in (1, 15, 40):
        series = SeriesId.parse(f"binance:BTC/USDT:{minutes}m")
        store.write(series, some_bars(START, 480, timedelta(minutes=minutes)), PAGES)
    told = []
    bars = load_bars(str(HOUR), log=told.append)
    assert len(bars) == 120
    assert told == ["binance:BTC/USDT:1h: 120 bars of 1h made of 480 whole bars of 15m"]


def test_holes_and_flaws_are_told(store):
    bars = some_bars(START, 100)
    flaw = Flaw("impossible bar", 1, (1704070800000,), "1 row left out, impossible: 2024-01-01 01:00")
    store.write(HOUR, bars.filter(pl.col("ts") != bars["ts"][1]), PAGES, [flaw])
    kinds = {repair.kind: repair for repair in load(str(HOUR), settings=DataSettings.load()).repairs}
    assert kinds["gaps"].sentence.startswith("1 gap leaves out 1 bars")
    assert kinds["impossible bar"].sentence == "2024: 1 row left out, impossible: 2024-01-01 01:00"


def test_a_column_that_some_rows_lack_is_left_out_and_told(store):
    rich = some_bars(START, 100).with_columns(n_trades=pl.lit(3.0), quote_volume=pl.lit(7.0))
    store.write(HOUR, rich, PAGES)
    store.write(HOUR, some_bars(START + timedelta(hours=100), 20).with_columns(quote_volume=pl.lit(7.0)), PAGES)
    loaded = load(str(HOUR), settings=DataSettings.load())
    assert loaded.bars.columns == ["ts", "open", "high", "low", "close", "volume", "quote_volume"]
    assert loaded.repairs[0].sentence == "column n_trades is empty in 20 of 120 rows and was left out"


def test_funding_is_no_bars(store):
    with pytest.raises(ConfigError, match="holds no bars"):
        load_bars("binance:BTC/USDT:USDT:funding")


def test_an_unknown_key_of_the_section_is_refused(monkeypatch):
    monkeypatch.setenv("TRADSYS_DATA__ROTO", "x")
    with pytest.raises(ConfigError, match=r"'data.roto'.* did you mean 'data.root'"):
        DataSettings.load()
    monkeypatch.delenv("TRADSYS_DATA__ROTO")
    assert DataSettings.load(overrides={"data.requests_per_s": "2"}).requests_per_s == 2
    with pytest.raises(ConfigError, match=r"data\.earliest: .* found 'yesterday'"):
        DataSettings.load(overrides={"data.earliest": "yesterday"})


@pytest.mark.parametrize("interval", ["15m", "1h"])
def test_an_optional_column_that_begins_late_is_left_out_and_told(store, interval):
    series = SeriesId.parse("binance:BTC/USDT:15m")
    parts = some_bars(START, 400, timedelta(minutes=15)).with_columns(n_trades=pl.lit(5.0))
    late = pl.when(pl.int_range(pl.len()) < 100).then(None).otherwise(pl.col("n_trades"))
    store.write(series, parts.with_columns(late.alias("n_trades")), PAGES)
    loaded = load(f"binance:BTC/USDT:{interval}", settings=DataSettings.load())
    assert "n_trades" not in loaded.bars.columns
    sentences = [repair.sentence for repair in loaded.repairs]
    assert "column n_trades is empty in 100 of 400 rows and was left out" in sentences


def test_a_stored_market_with_sessions_is_told(store):
    days = some_bars(START, 60, timedelta(days=1)).filter(pl.col("ts").dt.weekday() < 6)
    store.write(SeriesId.parse("nyse:SPY/USD:1d"), days, PAGES)
    kinds = {repair.kind for repair in load("nyse:SPY/USD:1d", settings=DataSettings.load()).repairs}
    assert "sessions" in kinds
