"""Open interest, premium and liquidations of Binance's perpetuals, from its archive and with its faults."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.sources.loopback import Fault

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, SourceError
from tradsys.core.time import to_ms
from tradsys.data.audit import audit
from tradsys.data.download import summary
from tradsys.data.sources.tables import liquidations_from_csv, metrics_from_csv, premium_from_csv
from tradsys.data.store import SeriesId
from tradsys.data.store.manifest import Origin

METRICS, PREMIUM, LIQUIDATIONS = (
    SeriesId.parse(f"binance:BTC/USDT:USDT:{table}") for table in ("metrics", "premium", "liquidations")
)
FIVE = timedelta(minutes=5)
HEADER = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
ORDERS = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,last_fill_quantity,"
    "accumulated_fill_quantity"
)


def at(month, day, hour=0, minute=0):
    return datetime(2024 if month > 2 else 2025, month, day, hour, minute, tzinfo=UTC)


def metric(when, interest=100.0, ratio="1.5"):
    return f"{when:%Y-%m-%d %H:%M:%S},BTCUSDT,{interest},{interest * 50},{ratio},1.1,1.2,0.9"


def metrics(first, n, **values):
    return [metric(first + i * FIVE, 100.0 + i, **values) for i in range(n)]


def metrics_of(venue, day, rows, *, header=True):
    venue.tables[f"BTCUSDT-metrics-{day:%Y-%m-%d}"] = "\n".join([HEADER, *rows] if header else rows)


@pytest.fixture
def interest(venue):
    """Three days: rows twice and out of order, a day that ends with the next midnight, and one without a header."""
    venue.now = at(2, 4, 5)
    first = metrics(at(2, 1), 288)
    metrics_of(venue, at(2, 1), [row for row in first[::-1] for _ in range(2)])
    metrics_of(venue, at(2, 2), metrics(at(2, 2), 289))
    metrics_of(
        venue, at(2, 3), [row.replace(":00,BTC", ":01,BTC") for row in metrics(at(2, 3, 0, 5), 287)], header=False
    )
    return venue


def test_open_interest_is_whole_whatever_way_a_day_is_written(interest, store, fetch):
    report = fetch(METRICS, start=at(2, 1))
    kept = store.read(METRICS)
    assert kept["ts"].to_list() == [at(2, 1) + i * FIVE for i in range(3 * 288)]
    assert kept["sum_open_interest"][:2].to_list() == [100.0, 101.0]
    assert (report.n_new, report.holes, report.flaws, report.notes) == (864, (), (), ())
    assert audit(store, METRICS).findings == ()
    interest.asked.clear()
    assert fetch(METRICS, start=at(2, 1)).n_new == 0
    assert not any(path.endswith(".zip") for path in interest.asked)


def test_days_without_a_file_are_holes_up_to_the_last_whole_day(interest, store, fetch):
    del interest.tables["BTCUSDT-metrics-2025-02-02"]
    interest.now = at(2, 6, 5)
    report = fetch(METRICS, start=at(1, 30))
    assert [(hole.start, hole.end, hole.n_missing) for hole in report.holes] == [
        (at(2, 2), at(2, 3), 289),
        (at(2, 4), at(2, 5, 23, 55), 576),
    ]
    assert report.lines[0] == "289 rows missing from 2025-02-02 00:00 to 2025-02-03 00:00"
    assert "where 2 holes leave out 865 rows" in summary(report)
    assert report.notes == ("no rows before 2025-02-01",)
    (gap,) = audit(store, METRICS).findings
    assert (gap.kind, gap.n_rows, gap.is_bad) == ("gaps", 289, False)


def test_impossible_and_empty_open_interest_is_left_out_and_named(interest, store, fetch):
    metrics_of(
        interest,
        at(2, 1),
        [metric(at(2, 1), -5.0), metric(at(2, 1, 0, 5)), metric(at(2, 1, 0, 10)).replace(",100.0,", ",,")],
    )
    report = fetch(METRICS, start=at(2, 1), end=at(2, 2))
    assert store.read(METRICS)["ts"].to_list() == [at(2, 1, 0, 5)]
    assert [flaw.kind for flaw in report.flaws] == ["empty value", "impossible value"]
    assert "open interest that is negative or infinite: 2025-02-01 00:00" in report.flaws[1].sentence


def test_an_empty_ratio_costs_no_row(interest, store, fetch):
    metrics_of(interest, at(2, 1), metrics(at(2, 1), 288, ratio=""))
    fetch(METRICS, start=at(2, 1), end=at(2, 2))
    assert len(store.read(METRICS)) == 288
    assert store.read(METRICS)["count_toptrader_long_short_ratio"].null_count() == 288


def test_what_a_store_holds_wrong_is_found(store):
    ts = pl.Series([at(2, 1), at(2, 1, 0, 5)], dtype=TS)
    names = HEADER.split(",")[2:]
    rows = pl.DataFrame({"ts": ts, **{name: [1.0, -1.0] for name in names}})
    store.write(METRICS, rows, Origin("by hand", "none", "", 0, 0, 2, ""))
    found = audit(store, METRICS)
    assert found.is_bad
    assert [finding.kind for finding in found.findings] == ["impossible value", "impossible value"]


def test_a_wrong_checksum_a_damaged_and_a_reissued_day_are_told(interest, store, fetch):
    interest.wrong_checksums["BTCUSDT-metrics-2025-02-01.zip"] = 99
    interest.damaged.add("BTCUSDT-metrics-2025-02-02.zip")
    report = fetch(METRICS, start=at(2, 1))
    assert [flaw.kind for flaw in report.flaws] == ["checksum differs", "quarantined file"]
    assert store.place.files("quarantine") == ["BTCUSDT-metrics-2025-02-02.zip"]
    interest.wrong_checksums.clear()
    metrics_of(interest, at(2, 1), [*metrics(at(2, 1), 287), metric(at(2, 1, 23, 55), 7.0)])
    again = fetch(METRICS, start=at(2, 1), refresh=True)
    assert (again.n_changed, again.flaws[-1].kind) == (1, "quarantined file")
    assert store.read(METRICS)["sum_open_interest"][287] == 7.0
    assert any(flaw.kind == "changed after close" for flaw in store.manifests(METRICS)[0].defects)


def test_a_host_that_fails_is_asked_again_and_a_page_of_html_is_kept_out(interest, store, fetch):
    interest.faults += [Fault("metrics-2025-02-01.zip", status=503), Fault("metrics-2025-02-02.zip", is_cut=True)]
    interest.tables["BTCUSDT-metrics-2025-02-03"] = "<html>maintenance</html>\n"
    report = fetch(METRICS, start=at(2, 1))
    assert len(store.read(METRICS)) == 577
    assert [flaw.kind for flaw in report.flaws] == ["quarantined file"]


def premiums(first, n, scale=1):
    return [
        f"{to_ms(first + i * FIVE) * scale},-0.0004,0.0002,-0.0006,{-0.0003 + i % 200 * 1e-6:.6f},0,0,0,12,0,0,0"
        for i in range(n)
    ]


def test_the_premium_comes_from_months_then_days_in_ms_and_us(venue, store, fetch):
    venue.now = at(2, 3, 5)
    header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,x,ignore"
    venue.tables["BTCUSDT-5m-2025-01"] = "\n".join([header, *premiums(at(1, 1), 31 * 288)])
    venue.tables["BTCUSDT-5m-2025-02-01"] = "\n".join(premiums(at(2, 1), 288, scale=1000))
    venue.tables["BTCUSDT-5m-2025-02-02"] = "\n".join(premiums(at(2, 2), 288))
    report = fetch(PREMIUM, start=at(1, 1))
    kept = store.read(PREMIUM)
    assert kept.columns == ["ts", "open", "high", "low", "close"]
    assert kept["ts"].to_list() == [at(1, 1) + i * FIVE for i in range(33 * 288)]
    assert kept["close"][0] == -0.0003
    assert (report.holes, report.flaws) == ((), ())
    assert any("/monthly/premiumIndexKlines/BTCUSDT/5m/BTCUSDT-5m-2025-01.zip" in path for path in venue.asked)


def test_a_premium_that_cannot_be_is_left_out(venue, store, fetch):
    venue.now = at(2, 2, 5)
    rows = premiums(at(2, 1), 288)
    rows[3] = rows[3].replace(",0.0002", ",-0.0005")  # a high below the close
    rows[4] = rows[4].replace("-0.0004", "-1.4").replace("-0.0006", "-1.5")
    venue.tables["BTCUSDT-5m-2025-02-01"] = "\n".join(rows)
    report = fetch(PREMIUM, start=at(2, 1))
    assert [flaw.n_rows for flaw in report.flaws] == [1, 1]
    assert [(hole.start, hole.n_missing) for hole in report.holes] == [(at(2, 1, 0, 15), 2)]


def order(when, side="SELL", price=100.0, size=2.0, status="FILLED"):
    return f"{to_ms(when)},{side},LIMIT,IOC,{size},{price},{price},{status},{size},{size}"


@pytest.fixture
def liquidated(venue):
    """Two days of March 2024, each order twice; the archive ends with the month."""
    day, other = [order(at(3, 28, hour)) for hour in range(3)], [order(at(3, 30, 7), side="BUY")]
    venue.tables["BTCUSDT-liquidationSnapshot-2024-03-28"] = "\n".join([ORDERS, *day, *day])
    with_symbol = [row.replace(",BUY", ",BTCUSDT,BUY") for row in other]
    venue.tables["BTCUSDT-liquidationSnapshot-2024-03-30"] = "\n".join(
        [ORDERS.replace(",side", ",symbol,side"), *with_symbol]
    )
    return venue


def test_liquidations_are_one_row_an_order_and_days_without_a_file_are_holes(liquidated, store, fetch):
    report = fetch(LIQUIDATIONS, start=at(3, 28))
    assert store.read(LIQUIDATIONS).rows() == [
        *((at(3, 28, hour), "sell", 100.0, 2.0, "filled") for hour in range(3)),
        (at(3, 30, 7), "buy", 100.0, 2.0, "filled"),
    ]
    assert [(hole.start, hole.end, hole.n_missing) for hole in report.holes] == [
        (at(3, 29), at(3, 29), 1),
        (at(3, 31), at(2, 2), 309),
    ]
    assert report.notes == ("the archive has no file from 2024-04-01 on: it was given up",)
    assert not any("2024-04" in path for path in liquidated.asked)
    assert [(one.kind, one.n_rows) for one in audit(store, LIQUIDATIONS).findings] == [("gaps", 1)]


def test_where_the_archive_has_no_liquidations_that_is_said_and_nothing_is_stored(venue, store, fetch):
    report = fetch(LIQUIDATIONS, start=at(3, 28))
    assert report.notes[0] == "no source has any of it"
    assert store.manifests(LIQUIDATIONS) == []


def test_a_side_that_is_none_is_left_out(liquidated, store, fetch):
    liquidated.tables["BTCUSDT-liquidationSnapshot-2024-03-28"] = "\n".join([ORDERS, order(at(3, 28), side="NONE")])
    report = fetch(LIQUIDATIONS, start=at(3, 28), end=at(3, 29))
    assert [flaw.kind for flaw in report.flaws] == ["empty value"]


@pytest.mark.parametrize("parse", [metrics_from_csv, premium_from_csv, liquidations_from_csv])
def test_other_columns_are_refused_by_name(parse):
    with pytest.raises(SourceError, match=r"x.zip holds no .* \(found no column"):
        parse(b"a,b\n1,2\n", "x.zip")


@pytest.mark.parametrize("market", ["binance:BTC/USDT", "binance:BTC/USD:BTC", "okx:BTC/USDT:USDT"])
def test_no_other_market_has_any_of_it(fetch, market):
    with pytest.raises(ConfigError, match="of Binance's perpetuals alone, in its archive: binance:BTC/USDT:USDT:metr"):
        fetch(SeriesId.parse(f"{market}:metrics"))
    with pytest.raises(ConfigError, match="of Binance's perpetuals alone"):
        fetch(METRICS, source="ccxt")
