"""The development data: market files load unrepaired, each broken file is refused or repaired with its rows."""

import pytest

from tradsys.core.bars import validate_bars
from tradsys.core.errors import DataError
from tradsys.data import load_bars, load_market
from tradsys.data.load import load

pytestmark = pytest.mark.needs_data


def repairs(path):
    return {repair.kind: repair for repair in load(path).repairs}


def test_market_files_load_without_a_repair(development_data):
    paths = sorted((development_data / "market").glob("*USDT-*-binance*.parquet"))
    bars = [path for path in paths if not path.name.startswith("lob-")]
    assert len(bars) == 13
    for path in bars:
        loaded = load(path)
        assert loaded.symbol == path.name.split("-")[0]
        assert not [repair for repair in loaded.repairs if repair.changed]


def test_files_of_other_things_are_no_bars(development_data):
    paths = [p for p in (development_data / "market").iterdir() if p.name.startswith(("macro-", "dvol-", "lob-"))]
    assert len(paths) == 14
    for path in paths:
        with pytest.raises(DataError, match="holds no bars: wanted columns for time"):
            load(path)


def test_development_data_is_recognised_in_another_range(development_data, tmp_path):
    path = development_data / "market" / "BTCUSDT-1h-binancefut.parquet"
    market = load_market([path])
    assert market.is_development
    assert market.symbols == ("BTCUSDT",)
    half = tmp_path / "other-name.parquet"
    market.bars.drop("symbol")[5000:20_000].write_parquet(half)
    part = load_market([half])
    assert part.is_development
    assert part.fingerprint != market.fingerprint
    assert len(set(part.blocks) - set(market.blocks)) == 3  # the two months that were cut, and the path of prices


def test_stale_partial_bars_are_dropped_and_named(development_data):
    found = repairs(development_data / "dirty" / "btcusdt_1h_stale_partial_bars.parquet")
    assert found["stale partial bars"].n_rows == 6
    assert found["stale partial bars"].rows[0] == "row 16005 (2024-10-28 21:00)"
    assert found["break"].rows == ("row 16004 (2024-10-28 20:00)", "row 28262 (2026-03-23 14:00)")


def test_the_mixed_and_doubled_descending_file_is_repaired(development_data):
    path = development_data / "dirty" / "cdd_btcusdt_1h_mixed_epoch_units_dups_desc.csv"
    found = repairs(path)
    assert found["mixed time units"].n_rows == 8966
    assert found["descending order"].n_rows == 37_550
    assert found["duplicates"].n_rows + found["conflicting duplicates"].n_rows == 2649
    assert found["spike"].rows == ("line 37551 (2017-08-17 04:00)",)
    assert found["incomplete column"].sentence.startswith("column n_trades is empty in 28,584")
    bars = load_bars(path, log=lambda line: None)
    assert len(bars) == 37_550 - 2649
    assert validate_bars(bars).equals(bars)


def test_impossible_bars_are_refused_by_row(development_data):
    with pytest.raises(DataError, match=r"high below max\(open, close\) \(678 rows\): rows 10 \(2023-06-01 10:00\)"):
        load(development_data / "dirty" / "synthetic_invalid_ohlc.feather")


def test_the_dollar_index_with_two_headers_is_repaired(development_data):
    found = repairs(development_data / "dirty" / "yahoo_dxy_multiheader.csv")
    assert found["extra header"].rows == ("line 2",)
    assert found["zero volume"].n_rows == 2932
    assert found["gaps"].n_rows == 1324


def test_the_published_sample_is_the_dirty_file(development_data):
    path = development_data / "dirty" / "yahoo_btcusd_15m_tz_mixed_dups_offgrid_zero_volume.csv"
    assert load(path).bars.equals(load("sample").bars)
    assert load(path).repairs == load("sample").repairs


def test_half_hours_that_disagree_with_their_quarters_are_named(development_data):
    folder = development_data / "market"
    half, quarter = (load(folder / f"BTCUSDT-{i}-binancefut.parquet").bars for i in ("30m", "15m"))
    with pytest.raises(DataError, match=r"15m parts in open, high, close, volume \(4 rows\): rows 15054"):
        validate_bars(half, parts=quarter)
