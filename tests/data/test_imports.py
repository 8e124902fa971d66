"""Files of others, by name or by folder."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.data.store.made import some_bars

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import to_ms
from tradsys.data.imports import import_path
from tradsys.data.store import SeriesId, SeriesStore

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = SeriesId.parse("kraken:BTC/USD:1h")


@pytest.fixture
def store(tmp_path):
    return SeriesStore(tmp_path / "store")


@pytest.fixture
def bars():
    return some_bars(START, 200)


@pytest.mark.parametrize("write", ["csv", "ipc", "parquet"])
def test_one_file_is_stored_under_the_name_it_is_given(store, bars, tmp_path, write):
    path = tmp_path / "mine"
    getattr(bars, f"write_{write}")(path)
    (one,) = import_path(store, path, series=HOUR)
    assert (one.n_new, one.flaws) == (200, ())
    assert store.read(HOUR).equals(bars)
    (origin,) = store.manifests(HOUR)[0].origins
    assert (origin.source, origin.item, len(origin.sha256)) == ("import", "mine", 64)
    assert import_path(store, path, series=HOUR)[0].n_new == 0


def test_what_was_repaired_and_refused_is_told(store, bars, tmp_path):
    path = tmp_path / "mine.csv"
    bars.with_columns(high=pl.when(pl.col("ts").dt.day() == 3).then(1.0).otherwise("high")).reverse().write_csv(path)
    (one,) = import_path(store, path, series=HOUR)
    assert one.repairs[0].kind == "descending order"
    assert (one.flaws[0].kind, one.flaws[0].n_rows, one.n_new) == ("impossible bar", 24, 176)


def test_a_file_needs_a_name_and_its_own_interval(store, bars, tmp_path):
    path = tmp_path / "mine.csv"
    bars.write_csv(path)
    with pytest.raises(ConfigError, match="give --as VENUE:SYMBOL:INTERVAL"):
        import_path(store, path)
    with pytest.raises(DataError, match="holds bars of 1h, wanted 15m"):
        import_path(store, path, series=SeriesId.parse("kraken:BTC/USD:15m"))
    with pytest.raises(ConfigError, match="there is no"):
        import_path(store, tmp_path / "none.csv", series=HOUR)


def test_a_freqtrade_folder_names_its_series(store, bars, tmp_path):
    """Feather for spot, JSON for futures, and what is no bars of trades beside them."""
    spot, futures = tmp_path / "data" / "binance", tmp_path / "data" / "binance" / "futures"
    futures.mkdir(parents=True)
    bars.rename({"ts": "date"}).write_ipc(spot / "BTC_USDT-1h.feather")
    rows = [[to_ms(row[0]), *row[1:]] for row in bars.iter_rows()]
    (futures / "ETH_USDT_USDT-1h-futures.json").write_text(json.dumps(rows))
    (spot / "SOL_USDT-1h.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    (futures / "ETH_USDT_USDT-8h-funding_rate.feather").write_bytes(b"ARROW1")
    (futures / "ETH_USDT_USDT-1h-mark.feather").write_bytes(b"ARROW1")
    imported = import_path(store, tmp_path / "data")
    names = ["binance:BTC/USDT:1h", "binance:ETH/USDT:USDT:1h", "binance:SOL/USDT:1h"]
    assert sorted(str(one.series) for one in imported) == names
    assert [str(series) for series in store.series()] == names
    assert all(store.read(series).equals(bars) for series in store.series())
    other = SeriesStore(tmp_path / "other")
    assert import_path(other, spot, exchange="okx")[0].series.exchange == "okx"


@pytest.mark.parametrize(("n_bytes", "scale"), [(8, 10**9), (16, 10**16)])
def test_a_nautilus_catalogue_names_its_series_and_stamps_the_close(store, tmp_path, n_bytes, scale):
    bars = some_bars(START, 50).with_columns(volume=pl.col("volume") + 0.123)
    folder = tmp_path / "catalog" / "data" / "bar" / "BTCUSDT-PERP.BINANCE-1-HOUR-LAST-EXTERNAL"
    folder.mkdir(parents=True)
    closes = [(to_ms(t) + 3_600_000) * 1_000_000 for t in bars["ts"]]
    columns = {
        name: pa.array(
            [(round(x * 1000) * (scale // 1000)).to_bytes(n_bytes, "little", signed=True) for x in bars[name]],
            type=pa.binary(n_bytes),
        )
        for name in ("open", "high", "low", "close", "volume")
    }
    stamps = pa.array(closes, type=pa.uint64())
    pq.write_table(pa.table({**columns, "ts_event": stamps, "ts_init": stamps}), folder / "part-0.parquet")
    (one,) = import_path(store, tmp_path / "catalog")
    assert str(one.series) == "binance:BTC/USDT:USDT:1h"
    assert store.read(one.series).equals(bars)


def test_an_old_nautilus_catalogue_of_whole_numbers_is_read_too(store, bars, tmp_path):
    folder = tmp_path / "data" / "bar" / "ETHUSDT.BINANCE-1-HOUR-LAST-EXTERNAL"
    folder.mkdir(parents=True)
    raw = [pl.col(name).mul(1e9).round().cast(pl.Int64) for name in ("open", "high", "low", "close", "volume")]
    event = (pl.col("ts").dt.epoch("ns") + timedelta(hours=1) // timedelta(microseconds=1) * 1000).cast(pl.UInt64)
    bars.select(*raw, event.alias("ts_event")).write_parquet(folder / "part-0.parquet")
    (one,) = import_path(store, tmp_path)
    assert str(one.series) == "binance:ETH/USDT:1h"
    assert store.read(one.series).equals(bars)


def test_a_folder_of_neither_says_what_was_looked_for(store, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"neither freqtrade's files .* nor a Nautilus catalogue"):
        import_path(store, tmp_path / "empty")


def test_an_empty_or_broken_file_of_a_folder_does_not_keep_the_others_out(store, bars, tmp_path):
    folder = tmp_path / "binance"
    folder.mkdir()
    empty = bars.clear().rename({"ts": "date"})
    empty.write_ipc(folder / "ADA_USDT-1h.feather")
    (folder / "BNB_USDT-1h.json").write_text("[]")
    (folder / "DOT_USDT-1h.feather").write_bytes(b"ARROW1 cut off")
    bars.rename({"ts": "date"}).write_ipc(folder / "BTC_USDT-1h.feather")
    bars.rename({"ts": "date"}).write_ipc(folder / "BTC_USDT-1M.feather")
    found = {one.path.name: one for one in import_path(store, folder)}
    assert [str(series) for series in store.series()] == ["binance:BTC/USDT:1h"]
    kinds = {name: [repair.kind for repair in one.repairs] for name, one in found.items()}
    assert kinds.pop("DOT_USDT-1h.feather") == ["refused"]
    assert found["DOT_USDT-1h.feather"].is_refused
    assert found["BTC_USDT-1M.feather"].series is None
    assert "months and years differ in length" in found["BTC_USDT-1M.feather"].repairs[0].sentence
    del kinds["BTC_USDT-1h.feather"]
    assert set(map(tuple, kinds.values())) == {("skipped",)}
    assert len(kinds) == 3


def test_a_broken_file_of_a_nautilus_catalogue_is_refused_alone(store, tmp_path):
    folder = tmp_path / "data" / "bar" / "ETHUSDT.BINANCE-1-HOUR-LAST-EXTERNAL"
    folder.mkdir(parents=True)
    (folder / "part-0.parquet").write_bytes(b"PAR1 cut off")
    (one,) = import_path(store, tmp_path)
    assert one.is_refused
    assert "part-0.parquet cannot be read as Parquet" in one.repairs[0].sentence
