"""Funding rates and book depth of Binance's perpetuals."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.time import to_ms
from tradsys.data.store import SeriesId

FUNDING = SeriesId.parse("binance:BTC/USDT:USDT:funding")
DEPTH = SeriesId.parse("binance:BTC/USDT:USDT:depth")


def at(month, day, hour=0):
    return datetime(2024 if month > 6 else 2025, month, day, hour, tzinfo=UTC)


def every_8_hours(first, n):
    return [first + timedelta(hours=8 * i) for i in range(n)]


@pytest.fixture
def tables(venue):
    """December has a header, January has none, February is on REST alone; stamps are off by milliseconds."""
    rows = [f"{to_ms(t) + i % 9},8,0.000{i % 10}" for i, t in enumerate(every_8_hours(at(12, 1), 93))]
    venue.tables["BTCUSDT-fundingRate-2024-12"] = "\n".join(
        ["calc_time,funding_interval_hours,last_funding_rate", *rows]
    )
    rows = [f"{to_ms(t) + i % 9},8,-0.000{i % 10}" for i, t in enumerate(every_8_hours(at(1, 1), 93))]
    venue.tables["BTCUSDT-fundingRate-2025-01"] = "\n".join(rows)
    tail = [
        {"symbol": "BTCUSDT", "fundingTime": to_ms(t) + 2, "fundingRate": "0.00021"}
        for t in every_8_hours(at(1, 31), 10)
    ]
    venue.tables["fundingRate"] = json.dumps(tail)
    header = "timestamp,percentage,depth,notional\n"
    for day in (1, 3):
        lines = [f"2025-02-0{day} 00:00:{s:02d},{p},{p * 10},{p * 1000}" for s in (9, 39) for p in (-5, -1, 1, 5)]
        venue.tables[f"BTCUSDT-bookDepth-2025-02-0{day}"] = header + "\n".join(lines)
    return venue


def test_funding_comes_from_monthly_files_then_rest(tables, store, fetch):
    report = fetch(FUNDING)
    kept = store.read(FUNDING)
    assert kept["ts"].to_list() == [
        *every_8_hours(at(12, 1), 93),
        *every_8_hours(at(1, 1), 93),
        *every_8_hours(at(2, 1), 7),
    ]
    assert kept["funding_rate"][94] == -0.0001
    assert kept["funding_rate"][-7:].to_list() == [0.00021] * 7
    assert (report.n_new, report.flaws, report.notes) == (193, (), ())


def test_a_second_download_of_funding_brings_only_what_is_new(tables, store, fetch):
    fetch(FUNDING)
    before = [m.sha256 for m in store.manifests(FUNDING)]
    tables.asked.clear()
    assert fetch(FUNDING).n_new == 0
    assert [m.sha256 for m in store.manifests(FUNDING)] == before
    assert not any("2024-12" in path or "2025-01" in path for path in tables.asked)


def test_depth_has_a_row_a_distance_and_names_the_days_without(tables, store, fetch):
    tables.now = at(2, 4, 5)
    report = fetch(DEPTH, start=at(2, 1))
    kept = store.read(DEPTH)
    assert len(kept) == 16
    assert kept.row(3) == (at(2, 1).replace(second=9), 5.0, 50.0, 5000.0)
    assert report.notes == ("no rows on 1 days: 2025-02-02",)


def test_spot_has_neither(fetch):
    with pytest.raises(ConfigError, match="only perpetuals settle funding, such as binance:BTC/USDT:USDT:funding"):
        fetch(SeriesId.parse("binance:BTC/USDT:funding"))
    with pytest.raises(ConfigError, match="depth is there of Binance's perpetuals alone"):
        fetch(SeriesId.parse("binance:BTC/USDT:depth"))
