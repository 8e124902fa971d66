"""Tables of funding: read from files and the store, holes found, joined to bars of several symbols."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.carry import COLUMNS
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import HOUR_MS, to_ms
from tradsys.data import load_market
from tradsys.data.audit import audit
from tradsys.data.outside.funding import FundingFile, missing, table_of
from tradsys.data.outside.source import attach_outside
from tradsys.data.settings import DataSettings
from tradsys.data.simulate import simulate
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.manifest import Origin

FIRST = datetime(2019, 1, 1, tzinfo=UTC)
SERIES = SeriesId.parse("binance:BTC/USDT:USDT:funding")


def rows(n=130, hours=8, start=FIRST, rate=1e-4):
    times = [start + timedelta(hours=hours * i, milliseconds=i % 9) for i in range(n)]
    return pl.DataFrame({"funding_time": times, "rate": [rate * (1 + i % 3) for i in range(n)]})


def ranges(times_h, first, last, hours=None):
    told = np.full(len(times_h), np.nan) if hours is None else np.array(hours, float)
    found = missing(np.array(times_h, np.int64) * HOUR_MS, told, first * HOUR_MS, last * HOUR_MS)
    return [(a // HOUR_MS, b // HOUR_MS) for a, b in found]


@pytest.fixture
def market(tmp_path):
    """Forty days of two hourly symbols from the day of the first settlement on."""
    for seed, name in enumerate(("AAA", "BBB")):
        bars = simulate("noise", seed=seed, n_bars=40 * 24)
        shift = FIRST - bars["ts"][0]
        bars.with_columns(pl.col("ts") + shift).write_parquet(tmp_path / f"{name}-1h.parquet")
    return load_market([tmp_path / "AAA-1h.parquet", tmp_path / "BBB-1h.parquet"])


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([0, 8, 16, 24], []),
        ([0, 8, 24, 32], [(16, 24)]),
        ([0, 8, 16, 20, 24], []),  # 8 h to 4 h
        ([0, 4, 8, 16, 24], []),  # 4 h to 8 h
        ([0, 4, 8, 16, 20, 24], [(12, 16)]),
        ([0, 1, 2, 5, 6, 7], [(3, 5)]),
        ([0, 16, 32], [(8, 16), (24, 32)]),
    ],
)
def test_a_step_longer_than_its_neighbours_is_a_hole_and_a_new_interval_is_none(times, found):
    assert ranges(times, 0, times[-1] + 1) == found


def test_told_intervals_decide_where_they_are_told():
    assert ranges([0, 4, 8, 16, 20], 0, 21, [4, 4, 4, 8, 4]) == []
    assert ranges([0, 12, 24], 0, 25, [12, 12, 12]) == []
    assert ranges([0, 8, 16, 20, 24, 32], 0, 33, [8, 8, 4, 4, 4, 4]) == [(28, 32)]


def test_what_is_missing_at_either_end_is_named():
    assert ranges([16, 24, 32], 0, 60) == [(0, 16), (40, 60)]
    assert ranges([16, 48, 56], 33, 57) == [(33, 48)]
    assert ranges([16, 48, 56], 41, 57) == []
    assert ranges([16, 24, 32], 8, 40) == []
    assert ranges([16, 24, 32], 18, 30) == []
    assert ranges([], 3, 9) == [(3, 9)]


def test_columns_of_bars_come_from_the_file_to_the_minute(market, tmp_path):
    rows().write_csv(tmp_path / "a.csv")
    rows(260, 4).rename({"funding_time": "fundingTime", "rate": "fundingRate"}).write_parquet(tmp_path / "b.parquet")
    files = [FundingFile.parse(f"{name}={tmp_path / file}") for name, file in (("AAA", "a.csv"), ("BBB", "b.parquet"))]
    told = attach_outside(market, files)
    assert told.bars.columns == [*market.bars.columns, *COLUMNS]
    assert told.fingerprint != market.fingerprint
    assert told.blocks == market.blocks
    one, two = (told.bars.filter(pl.col("symbol") == s) for s in ("AAA", "BBB"))
    assert np.flatnonzero(one["funding_due"].to_numpy())[:3].tolist() == [0, 8, 16]
    assert np.flatnonzero(two["funding_due"].to_numpy())[:3].tolist() == [0, 4, 8]
    assert "funding of BBB: 260 settlements, every 4 hours" in told.outside[0]


def test_a_symbol_that_pays_none_says_so(market, tmp_path):
    rows().write_csv(tmp_path / "a.csv")
    told = attach_outside(market, [FundingFile.parse(f"AAA={tmp_path / 'a.csv'}"), FundingFile.parse("BBB=none")])
    assert told.bars.filter(pl.col("symbol") == "BBB").select(pl.sum(*COLUMNS[:3])).row(0) == (0.0, 0.0, 0.0)
    with pytest.raises(ConfigError, match="BBB has no funding beside symbols that have; give SYMBOL=FILE, or BBB=none"):
        attach_outside(market, [FundingFile.parse(f"AAA={tmp_path / 'a.csv'}")])


def test_one_file_may_tell_all_symbols(market, tmp_path):
    told = {"AAA": rows(), "BBB": rows(260, 4, rate=3e-4), "CCC": rows()}
    pl.concat(table.with_columns(symbol=pl.lit(name)) for name, table in told.items()).write_csv(tmp_path / "all.csv")
    both = attach_outside(market, [FundingFile.parse(str(tmp_path / "all.csv"))])
    for name, table in list(told.items())[:2]:
        table.write_csv(tmp_path / f"{name}.csv")
    apart = attach_outside(market, [FundingFile(name, str(tmp_path / f"{name}.csv")) for name in ("AAA", "BBB")])
    assert both.bars.equals(apart.bars)
    table = FundingFile("AAA", str(tmp_path / "all.csv")).table()
    assert len(table.times) == 130
    with pytest.raises(DataError, match=r"holds AAA, BBB, CCC and not DDD; add its rows"):
        FundingFile("DDD", str(tmp_path / "all.csv")).table()


def test_missing_funding_is_an_error_that_names_the_ranges(market, tmp_path):
    table = rows()
    pl.concat([table[1:30], table[33:100]]).write_csv(tmp_path / "a.csv")
    with pytest.raises(
        DataError,
        match=r"funding of AAA is missing from 2019-01-11 00:00 to 2019-01-12 00:00, 2019-02-03 08:00 to "
        r"2019-02-10 00:00, where there are bars",
    ):
        attach_outside(market, [FundingFile.parse(f"AAA={tmp_path / 'a.csv'}"), FundingFile.parse("BBB=none")])


def test_a_stored_series_serves_its_own_symbol(market, tmp_path):
    stored = rows().with_columns(pl.col("funding_time").dt.round("1m").dt.cast_time_unit("ms"))
    stored = stored.rename({"funding_time": "ts", "rate": "funding_rate"})
    store = SeriesStore(tmp_path / "store")
    first, last = (to_ms(stored["ts"][i]) for i in (0, -1))
    store.write(SERIES, stored, Origin("test", "x", "", first, last, len(stored), "2024-01-01"))
    data = DataSettings(root=str(tmp_path / "store"))
    with pytest.raises(
        ConfigError, match=r"holds the funding of BTC/USDT:USDT; say which with SYMBOL=FILE, one of AAA"
    ):
        attach_outside(market, [FundingFile.parse(str(SERIES)), FundingFile.parse("BBB=none")], data)
    told = attach_outside(market, [FundingFile.parse(f"AAA={SERIES}"), FundingFile.parse("BBB=none")], data)
    assert told.bars["funding_due"].abs().sum() > 0
    with pytest.raises(ConfigError, match=r"is not in the store; fetch it: tradsys data download gate:X/Y:Y:funding"):
        FundingFile.parse("gate:X/Y:Y:funding").table(data)
    with pytest.raises(ConfigError, match="binance:BTC/USDT:1h holds no funding; name binance:BTC/USDT:funding"):
        FundingFile.parse("binance:BTC/USDT:1h").table(data)


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (rows().drop("rate"), "holds no funding: wanted the columns funding_time, rate"),
        (rows().with_columns(rate=pl.lit("x")), "130 rows without a time or a rate"),
        (
            pl.concat([rows(3), rows(1).with_columns(rate=pl.lit(0.5))]),
            "holds 2 rates of 1 settlements that differ, first that of 2019-01-01 00:00",
        ),
    ],
)
def test_a_table_that_cannot_be_is_refused(table, match):
    with pytest.raises(DataError, match=match):
        table_of(table, "here")


def test_a_settlement_told_twice_counts_once():
    assert len(table_of(pl.concat([rows(5), rows(3)]), "here").times) == 5


def test_words_that_mean_no_table_are_refused():
    with pytest.raises(ConfigError, match=r"funding is FILE, SYMBOL=FILE, VENUE:SYMBOL:funding or SYMBOL=none"):
        FundingFile.parse("=x.csv")
    with pytest.raises(DataError, match=r"no file nowhere.csv of funding"):
        FundingFile.parse("nowhere.csv").table()


def stored(tmp_path, table):
    store = SeriesStore(tmp_path)
    first, last = (to_ms(table["ts"][i]) for i in (0, -1))
    store.write(SERIES, table, Origin("test", "x", "", first, last, len(table), "2024-01-01"))
    return audit(store, SERIES)


def whole(n=90):
    return rows(n).select(ts=pl.col("funding_time").dt.round("1m").dt.cast_time_unit("ms"), funding_rate="rate")


def test_check_names_holes_outliers_and_settlements_told_twice(tmp_path):
    table = whole().with_columns(
        funding_rate=pl.when(pl.int_range(pl.len()) == 50).then(0.02).otherwise("funding_rate")
    )
    twice = table[60:61].with_columns(pl.col("ts") + timedelta(minutes=1))
    found = stored(tmp_path, pl.concat([table[:20], table[22:], twice]).sort("ts"))
    assert [(one.kind, one.n_rows, one.is_bad) for one in found.findings] == [
        ("gap", 1, False),
        ("duplicate", 1, True),
        ("outlier", 1, False),
    ]
    assert "2019-01-07 16:00 to 2019-01-08 08:00" in found.findings[0].sentence


def test_check_refuses_percent_and_leaves_good_rates_in_peace(tmp_path):
    assert stored(tmp_path / "a", whole()).findings == ()
    (found,) = stored(tmp_path / "b", whole().with_columns(pl.col("funding_rate") * 100)).findings
    assert (found.kind, found.is_bad) == ("unit", True)


@pytest.mark.parametrize("place", ["file", "store"])
def test_rates_in_percent_are_refused_wherever_they_lie(tmp_path, place):
    data = DataSettings(root=str(tmp_path))
    if place == "file":
        rows(rate=0.01).write_csv(tmp_path / "a.csv")
        source = FundingFile.parse(str(tmp_path / "a.csv"))
    else:
        stored(tmp_path, whole().with_columns(pl.col("funding_rate") * 100))
        source = FundingFile.parse(str(SERIES))
    with pytest.raises(
        DataError, match=r"half of all rates are beyond .*%, wanted fractions such as 0.0001; are they in"
    ):
        source.table(data)


@pytest.mark.parametrize(
    ("bars", "named", "owner", "words"),
    [
        ("BTCUSDT", "", "BTCUSDT", None),
        ("BTCUSDT", "", "BTC/USDT:USDT", None),
        ("BTC", "", "BTCUSDT", None),
        ("BTC", "", "ETHUSDT", "holds the funding of ETHUSDT, wanted that of BTC; give its own, or say .* BTC="),
        ("mine", "", "BTCUSDT", "wanted that of mine; give its own, or say that they are one with mine="),
        ("mine", "mine=", "BTCUSDT", None),
        ("BTCUSDT", "BTCUSDT=", "ETHUSDT", "holds the funding of ETHUSDT, not of BTCUSDT"),
        ("BTCUSDT", "", None, None),
    ],
)
def test_a_file_of_another_symbol_is_refused(tmp_path, bars, named, owner, words):
    hours = simulate("noise", n_bars=40 * 24)
    shifted = hours.with_columns(pl.col("ts") + (FIRST - hours["ts"][0]))
    shifted.write_parquet(tmp_path / f"{bars}-1h.parquet")
    rows().with_columns(Symbol=pl.lit(owner, dtype=pl.String)).write_csv(tmp_path / "a.csv")
    market = load_market([tmp_path / f"{bars}-1h.parquet"])
    sources = [FundingFile.parse(f"{named}{tmp_path / 'a.csv'}")]
    if words is None:
        assert attach_outside(market, sources).bars["funding_due"].abs().sum() > 0
        return
    with pytest.raises(ConfigError, match=words):
        attach_outside(market, sources)


def test_a_row_of_funding_without_a_symbol_is_refused(tmp_path):
    names = ["AAA", None] + ["AAA"] * 128
    rows().with_columns(symbol=pl.Series(names)).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="1 rows of funding name no symbol beside others that do"):
        FundingFile.parse(str(tmp_path / "a.csv")).table()
