"""Each source gives dates, closes and its own name, or says what came instead."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from tests.data.outside.macro.venue import serving

from tradsys.core.errors import ConfigError, DataError, SourceError
from tradsys.data.outside.macro.macro_series import MacroSeries
from tradsys.data.outside.macro.origins import (
    DXY_WEIGHTS,
    FRED_RATES,
    BarsProxy,
    FredSource,
    SixRates,
    YahooSource,
    dollar_index,
)
from tradsys.data.outside.macro.source import FileSource
from tradsys.data.settings import DataSettings
from tradsys.data.simulate import simulate

START, END = date(2024, 3, 1), date(2024, 3, 9)
FRED_CSV = b"observation_date,VIXCLS\n2024-03-01,13.11\n2024-03-04,.\n2024-03-05,14.46\n2024-03-06,\n"


@pytest.fixture(autouse=True)
def _own_pace(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def at(url: str) -> DataSettings:
    """Both hosts on this machine, asked twice without much patience."""
    hosts = {"fred_url": url, "yahoo_url": url}
    return DataSettings(**hosts, requests_per_s=10_000, n_attempts=2, backoff_s=0.001, max_wait_s=5.0)


def fred(body: bytes = FRED_CSV, status: int = 200, **headers: str):
    return serving(lambda path, query: (status, headers, body))


def chart(closes=(103.9, None, 103.4), zone="America/New_York") -> bytes:
    opens = [datetime(2024, 3, day, 5, tzinfo=UTC).timestamp() for day in (1, 4, 5)]
    result = {"meta": {"exchangeTimezoneName": zone}, "timestamp": [int(t) for t in opens]}
    return json.dumps(
        {"chart": {"result": [result | {"indicators": {"quote": [{"close": closes}]}}], "error": None}}
    ).encode()


def write(path, text):
    path.write_text(text)
    return FileSource(path)


def values(frame: pl.DataFrame) -> list[tuple[date, float, str]]:
    return frame.select("date", "close", "source").rows()


@pytest.mark.parametrize("ext", ["csv", "parquet"])
def test_a_file_of_dates_and_closes_is_read_in_the_range_and_sorted(tmp_path, ext):
    table = pl.DataFrame({"date": ["2024-03-05", "2024-02-29", "2024-03-04"], "close": [3.0, 1.0, 2.0]})
    path = tmp_path / f"x.{ext}"
    table.write_csv(path) if ext == "csv" else table.write_parquet(path)
    found = FileSource(path).fetch("x", START, END)
    assert values(found) == [(date(2024, 3, 4), 2.0, path.name), (date(2024, 3, 5), 3.0, path.name)]


def test_the_line_of_tickers_that_yfinance_writes_is_no_close(tmp_path):
    text = "Date,Close,High\n,DX-Y.NYB,DX-Y.NYB\n2024-03-01,103.9,104.2\n2024-03-04,103.8,104\n"
    assert len(write(tmp_path / "dxy.csv", text).fetch("dxy", START, END)) == 2


@pytest.mark.needs_data
def test_the_broken_dollar_index_is_read_whole(development_data):
    source = FileSource(development_data / "dirty" / "yahoo_dxy_multiheader.csv")
    found = source.fetch("dxy", date(2014, 1, 1), date(2026, 1, 1))
    assert len(found) == 2934
    assert found.row(0)[:2] == (date(2014, 1, 2), 80.62999725341797)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Etc/GMT-14", "UTC", None])
def test_days_of_a_zone_are_its_own_in_parquet_as_in_csv(tmp_path, zone):
    days = (
        pl.Series("date", [date(2024, 3, day) for day in (1, 4, 5)]).cast(pl.Datetime("ms")).dt.replace_time_zone(zone)
    )
    table = pl.DataFrame({"date": days, "close": [1.0, 2.0, 3.0]})
    table.write_parquet(tmp_path / "x.parquet")
    table.with_columns(days.dt.to_string("%Y-%m-%d %H:%M:%S")).write_csv(tmp_path / "x.csv")
    read, text = (FileSource(tmp_path / f"x.{ext}").fetch("x", START, END) for ext in ("parquet", "csv"))
    assert read["date"].to_list() == text["date"].to_list() == [date(2024, 3, day) for day in (1, 4, 5)]


def test_text_in_the_place_of_a_close_is_refused_and_a_blank_is_left_out(tmp_path):
    with pytest.raises(DataError, match="1 cells of close are no numbers, such as 'n/a'"):
        write(tmp_path / "a.csv", "date,close\n2024-03-01,1\n2024-03-04,2\n2024-03-05,n/a\n").fetch("x", START, END)
    assert len(write(tmp_path / "b.csv", "date,close\n2024-03-01,1\n2024-03-04,\n").fetch("x", START, END)) == 1


def test_a_day_that_comes_twice_is_refused_unless_a_time_tells_the_two_apart(tmp_path):
    with pytest.raises(DataError, match=r"x of a\.csv has 2024-03-01 twice"):
        write(tmp_path / "a.csv", "date,close\n2024-03-01,1\n2024-03-01,2\n").fetch("x", START, END)
    rows = "2024-03-01,1,2024-03-01T22:00:00Z\n2024-03-01,2,2024-03-05 09:00:00+01:00\n"
    found = write(tmp_path / "b.csv", f"date,close,available_at\n{rows}").fetch("x", START, END)
    assert found["available_at"].to_list() == [
        datetime(2024, 3, 1, 22, tzinfo=UTC),
        datetime(2024, 3, 5, 8, tzinfo=UTC),
    ]


def test_two_sources_in_one_file_are_never_mixed(tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text("date,close,source\n2024-03-01,2082,comex\n2024-03-04,2126,comex\n2024-03-05,2128,paxg\n")
    with pytest.raises(DataError, match="gold must come from one source, found 2 rows of comex, 1 rows of paxg"):
        MacroSeries.parse(f"gold={path}").fetch(START, END)


def test_fred_is_asked_for_the_range_and_its_points_are_left_out():
    asked = {}
    with serving(lambda path, query: (asked.update(query, path=path), (200, {}, FRED_CSV))[1]) as url:
        found = FredSource(at(url)).fetch("VIXCLS", START, END)
    assert values(found) == [(date(2024, 3, 1), 13.11, "fred"), (date(2024, 3, 5), 14.46, "fred")]
    assert asked == {"path": "/graph/fredgraph.csv", "id": "VIXCLS", "cosd": "2024-03-01", "coed": "2024-03-08"}


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        ({"status": 429, "Retry-After": "0.01"}, SourceError, "failed 2 times, the last time: HTTP 429"),
        ({"status": 503}, SourceError, "failed 2 times, the last time: HTTP 503"),
        ({"status": 400}, SourceError, "(?s)refused with HTTP 400 .*retrying would not help"),
        ({"status": 404}, DataError, r"fred has no series 'VIXCLS' \(404\)"),
        ({"body": b"<html>\n<title>No such series</title>"}, DataError, "fred has no series 'VIXCLS'"),
        ({"body": b"observation_date,VIXCLS\n2024-03-01,high\n"}, DataError, "no day and number"),
        (
            {"body": b"observation_date,VIXCLS\n2024-03-01,.\n"},
            DataError,
            "fred has no close of VIXCLS from 2024-03-01",
        ),
        ({"Content-Length": str(len(FRED_CSV) + 9)}, SourceError, "failed 2 times, the last time: IncompleteRead"),
    ],
    ids=["too many requests", "server error", "refused", "not there", "a page", "no number", "no value", "cut body"],
)
def test_what_fred_sends_instead_is_said(reply, kind, said):
    with fred(**reply) as url, pytest.raises(kind, match=said):
        FredSource(at(url)).fetch("VIXCLS", START, END)


def test_an_unreachable_host_is_named():
    with fred() as url:
        pass
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:\d+ failed 2 times"):
        FredSource(at(url)).fetch("VIXCLS", START, END)


def test_yahoo_days_are_those_of_the_exchange():
    asked = {}
    with serving(lambda path, query: (asked.update(query, path=path), (200, {}, chart()))[1]) as url:
        found = YahooSource(at(url)).fetch("DX-Y.NYB", START, END)
    assert values(found) == [(date(2024, 3, 1), 103.9, "yahoo"), (date(2024, 3, 5), 103.4, "yahoo")]
    assert asked["path"] == "/v8/finance/chart/DX-Y.NYB"
    assert (asked["period1"], asked["period2"]) == ("1709251200", "1709942400")
    with serving(lambda path, query: (200, {}, chart(zone="America/Los_Angeles"))) as url:
        early = YahooSource(at(url)).fetch("X", date(2024, 2, 1), END)
    assert early["date"][0] == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"chart": {"result": null, "error": {"description": "No data found"}}}', "no chart of 'X': No data found"),
        (b"Too Many Requests", "yahoo sent no chart for X"),
        (chart((1.0, 2.0)), "3 times and 2 closes"),
    ],
)
def test_what_yahoo_sends_instead_is_said(body, said):
    with serving(lambda path, query: (200, {}, body)) as url, pytest.raises(DataError, match=said):
        YahooSource(at(url)).fetch("X", START, END)


def test_the_dollar_index_is_that_of_ice():
    ones = pl.DataFrame({name: [1.0] for name in DXY_WEIGHTS})
    assert dollar_index(ones)[0] == pytest.approx(50.14348112)
    last_of_2021 = dict(EURUSD=1.1370, USDJPY=115.08, GBPUSD=1.3532, USDCAD=1.2637, USDSEK=9.0555, USDCHF=0.9126)
    assert dollar_index(pl.DataFrame({k: [v] for k, v in last_of_2021.items()}))[0] == pytest.approx(95.67, abs=0.005)
    assert sum(map(abs, DXY_WEIGHTS.values())) == pytest.approx(1.0)
    with pytest.raises(DataError, match="needs six rates, found none for USDCHF"):
        dollar_index(ones.drop("USDCHF"))


def test_six_rates_make_an_index_on_days_that_have_all_of_them():
    codes = {code: pair for pair, code in FRED_RATES.items()}

    def answer(path, query):
        second = "." if query["id"] == "DEXSZUS" else "2"
        return 200, {}, f"observation_date,{query['id']}\n2024-03-01,1\n2024-03-04,{second}\n2024-03-05,2\n".encode()

    with serving(answer) as url:
        found = SixRates(FredSource(at(url))).fetch("fred", START, END)
    expected = 50.14348112 * 2 ** sum(DXY_WEIGHTS.values())
    assert found["date"].to_list() == [date(2024, 3, 1), date(2024, 3, 5)]
    assert found["close"].to_list() == pytest.approx([50.14348112, expected])
    assert found["source"].unique().to_list() == ["six rates of fred"]
    assert set(codes.values()) == set(DXY_WEIGHTS)


def test_a_coin_gives_the_close_of_each_whole_day(tmp_path):
    bars = simulate("noise", seed=1, n_bars=24 * 5 + 7)
    path = tmp_path / "PAXG-1h.parquet"
    bars.write_parquet(path)
    found = BarsProxy().fetch(str(path), date(2000, 1, 1), date(2100, 1, 1))
    last = bars.filter(pl.col("ts").dt.hour() == 23)
    assert found["close"].to_list() == last["close"].to_list()
    assert found["date"].to_list() == last["ts"].dt.date().to_list()
    assert found["source"].unique().to_list() == ["bars of PAXG"]


def test_a_fallback_is_taken_whole_and_told(tmp_path):
    path = tmp_path / "vix.csv"
    path.write_text("date,close\n2024-03-01,13\n2024-03-04,14\n2024-03-05,15\n")
    with fred(status=503) as url:
        fetched = MacroSeries.parse(f"vix=fred:VIXCLS|{path}", at(url)).fetch(START, END)
    assert fetched.closes["source"].unique().to_list() == ["vix.csv"]
    assert "3 closes from vix.csv, in place of a source that failed (127.0.0.1" in fetched.sentence
    with fred() as url:
        first = MacroSeries.parse(f"vix=fred:VIXCLS|{path}", at(url)).fetch(START, END)
    assert first.closes["source"].unique().to_list() == ["fred"]
    with (
        fred(status=503) as url,
        pytest.raises(DataError, match=r"(?s)no source of vix has any closes: .*503.*; no file"),
    ):
        MacroSeries.parse(f"vix=fred:VIXCLS|{tmp_path / 'none.csv'}", at(url)).fetch(START, END)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dxy.parquet", "a macro series is NAME=SOURCE"),
        ("DXY=dxy.parquet", "a macro series is NAME=SOURCE"),
        ("iron=iron.csv", "iron has no usual calendar; add one of exchange_calendars"),
        ("dxy=dxy.csv?lags=3", "'lags', which is no option of a macro series; known are calendar, lag_h"),
        ("dxy=dxy.csv?lag_h=soon", "lag_h of .* cannot be 'soon'"),
        ("dxy=dxy.csv?lag_h=-1", "lag_h must not be negative"),
        ("dxy=rates:ecb", "come from rates:fred"),
    ],
)
def test_a_series_that_cannot_be_meant_is_explained(text, said):
    with pytest.raises(ConfigError, match=said):
        MacroSeries.parse(text)


def test_a_file_with_decimal_commas_is_read(tmp_path):
    found = write(tmp_path / "a.csv", "date;close\n2024-03-01;13,25\n2024-03-04;1.313,5\n").fetch("x", START, END)
    assert found["close"].to_list() == [13.25, 1313.5]
    with pytest.raises(DataError, match="'13,255' may be a thousand or a decimal comma"):
        write(tmp_path / "b.csv", "date;close\n2024-03-01;13,255\n").fetch("x", START, END)
