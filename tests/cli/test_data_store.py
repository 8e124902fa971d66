"""From nothing to a checked store, by the command line alone."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from tests.data.sources.loopback import Loopback, serving, truth
from tests.data.store.made import some_bars

from tradsys.cli.app import main

HOUR = timedelta(hours=1)


def venue_settings(monkeypatch, tmp_path, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TRADSYS_DATA__REQUESTS_PER_S", "10000")
    monkeypatch.setenv("TRADSYS_DATA__BACKOFF_S", "0.001")
    for name in ("ARCHIVE", "SPOT", "FUTURES", "CCXT"):
        monkeypatch.setenv(f"TRADSYS_DATA__{name}_URL", url)


@pytest.fixture
def venue(tmp_path, monkeypatch):
    """Two months of hours that end an hour and twenty minutes after the last bar opened."""
    start = datetime(2024, 12, 20, tzinfo=UTC)
    bars = truth(start, 24 * 60, HOUR)
    with serving(Loopback(bars, HOUR, start + timedelta(days=50, minutes=20))) as loopback:
        venue_settings(monkeypatch, tmp_path, loopback.url)
        yield loopback


def test_download_tells_what_came_and_goes_on(venue, capsys):
    assert main(["data", "download", "binance:BTC/USDT:1h"]) == 0
    said = capsys.readouterr()
    assert (
        "binance:BTC/USDT:1h: 1,200 new rows, 0 changed; 2024-12-20 00:00 to 2025-02-08 00:00 without a hole"
        in said.out
    )
    assert "binance:BTC/USDT:1h: accepted\n1,200 bars of 1h" in said.out
    assert "binance:BTC/USDT:1h from binance archive, daily (1200/1200)" in said.err
    venue.now += timedelta(days=1)
    assert main(["data", "download", "binance:BTC/USDT:1h", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["series"]
    assert (report["n_new"], report["holes"]) == (24, [])


def test_every_hole_is_a_line(venue, capsys):
    gone = [datetime(2025, 2, 7, hour, tzinfo=UTC) for hour in (3, 4, 9)]
    venue.not_in_rest = gone
    venue.no_file.add("BTCUSDT-1h-2025-02-07.zip")
    assert main(["data", "download", "binance:BTC/USDT:1h"]) == 0
    said = capsys.readouterr().out
    assert "where 2 holes leave out 3 bars" in said
    assert "  hole: 2 bars missing from 2025-02-07 03:00 to 2025-02-07 04:00\n  hole: 1 bar missing from" in said


def test_list_check_and_run_read_the_store(venue, capsys):
    main(["data", "download", "binance:BTC/USDT:1h"])
    capsys.readouterr()
    assert main(["data", "list"]) == 0
    assert capsys.readouterr().out.startswith("binance:BTC/USDT:1h  2024-12-20 00:00 to 2025-02-07 23:00  1,200 rows  ")
    assert main(["data", "check"]) == 0
    assert "binance:BTC/USDT:1h: accepted\n1,200 bars of 1h" in capsys.readouterr().out
    assert main(["data", "check", "binance:BTC/USDT:1h", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["sources"]
    assert (report["n_rows"], report["n_missing"], report["findings"], report["refused"]) == (1200, 0, [], None)


def test_a_damaged_store_is_refused_with_exit_code_3(venue, tmp_path, capsys):
    main(["data", "download", "binance:BTC/USDT:1h"])
    path = next((tmp_path / "data").rglob("rows-*.parquet"))
    path.write_bytes(b"PAR1")
    assert main(["data", "check"]) == 3
    assert "binance:BTC/USDT:1h: refused" in capsys.readouterr().out


def test_import_says_what_it_did(tmp_path, monkeypatch, capsys):
    venue_settings(monkeypatch, tmp_path, "http://127.0.0.1:9")
    some_bars(datetime(2024, 1, 1, tzinfo=UTC), 100).reverse().write_csv("mine.csv")
    assert main(["data", "import", "mine.csv", "--as", "kraken:BTC/USD:1h"]) == 0
    said = capsys.readouterr().out
    assert "mine.csv -> kraken:BTC/USD:1h: 100 new rows, 0 changed" in said
    assert "  repaired: newest first, put in ascending order" in said


def test_an_empty_store_says_how_to_fill_it(tmp_path, monkeypatch, capsys):
    venue_settings(monkeypatch, tmp_path, "http://127.0.0.1:9")
    assert main(["data", "list"]) == 0
    assert "is empty; fill it with tradsys data download" in capsys.readouterr().out
    assert main(["data", "check"]) == 2
    assert main(["run", "--bars", "binance:BTC/USDT:1h"]) == 2
    assert "tradsys data download binance:BTC/USDT:1h --from" in capsys.readouterr().err


def test_a_day_that_is_none_is_a_usage_error(tmp_path, monkeypatch, capsys):
    venue_settings(monkeypatch, tmp_path, "http://127.0.0.1:9")
    assert main(["data", "download", "binance:BTC/USDT:1h", "--from", "yesterday"]) == 2
    assert "--from takes a day such as 2020-01-01" in capsys.readouterr().err


@pytest.mark.slow
def test_a_new_user_goes_from_nothing_to_a_checked_five_year_store_with_one_command(tmp_path, monkeypatch, capsys):
    """With a hole that days fill, one that REST fills, one that nothing fills, and a failing host on the way."""
    from tests.data.sources.loopback import Fault

    start = datetime(2019, 12, 31, 7, tzinfo=UTC)
    bars = truth(start, 24 * 366 * 5, HOUR)
    loopback = Loopback(bars, HOUR, datetime(2025, 1, 2, 3, 4, tzinfo=UTC))
    lost = [datetime(2021, 4, 25, hour, tzinfo=UTC) for hour in (5, 6)]
    loopback.no_file |= {"BTCUSDT-1h-2022-03.zip", "BTCUSDT-1h-2022-03-15.zip"}
    loopback.not_in_rest = lost
    loopback.not_in_file = {"BTCUSDT-1h-2021-04": lost, "BTCUSDT-1h-2021-04-25": lost}
    loopback.faults = [
        Fault("2020-06.zip", status=503),
        Fault("2020-07.zip", status=429, headers={"Retry-After": "0"}),
        Fault("2020-08.zip", is_cut=True),
    ]
    loopback.wrong_checksums["BTCUSDT-1h-2020-09.zip"] = 1
    with serving(loopback):
        venue_settings(monkeypatch, tmp_path, loopback.url)
        assert main(["data", "download", "binance:BTC/USDT:1h", "--from", "2020-01-01"]) == 0
    said = capsys.readouterr().out
    assert "where 1 hole leaves out 2 bars" in said
    assert "hole: 2 bars missing from 2021-04-25 05:00 to 2021-04-25 06:00" in said
    assert "binance:BTC/USDT:1h: accepted" in said
    from tradsys.data import load_bars

    stored = load_bars("binance:BTC/USDT:1h", log=lambda line: None)
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, 2, tzinfo=UTC)
    wanted = bars.filter(bars["ts"].is_between(first, last) & ~bars["ts"].is_in(lost))
    assert stored.select(bars.columns).equals(wanted)


@pytest.mark.slow
def test_a_download_that_was_killed_goes_on_where_it_was(venue, capsys):
    command = [sys.executable, "-m", "tradsys", "data", "download", "binance:BTC/USDT:1h"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        told = [process.stderr.readline() for _ in range(2)]
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert "from binance archive, monthly (288/1200)" in told[0]
    venue.asked.clear()
    assert main(["data", "download", "binance:BTC/USDT:1h"]) == 0
    assert "2024-12-20 00:00 to 2025-02-08 00:00 without a hole" in capsys.readouterr().out
    assert not any("2024-12.zip" in path for path in venue.asked)


def test_open_interest_goes_from_the_archive_to_a_market_by_the_command_line(venue, capsys):
    from tests.data.sources.test_positions import FIVE, HEADER, metric, premiums

    from tradsys.settings.config import RunConfig
    from tradsys.settings.market import configured_market

    day = datetime(2025, 2, 6, tzinfo=UTC)
    for k in (0, 2):
        first = day + timedelta(days=k)
        name = f"{first:%Y-%m-%d}"
        venue.tables[f"BTCUSDT-metrics-{name}"] = "\n".join(
            [HEADER, *(metric(first + i * FIVE, 100.0 + i) for i in range(288))]
        )
        venue.tables[f"BTCUSDT-5m-{name}"] = "\n".join(premiums(first, 288))
    venue.now = datetime(2025, 2, 9, 1, tzinfo=UTC)
    perp = "binance:BTC/USDT:USDT"
    wanted = [f"{perp}:{table}" for table in ("metrics", "premium")]
    assert main(["data", "download", *wanted, f"{perp}:1h", "--from", "2025-02-06"]) == 0
    said = capsys.readouterr().out
    assert f"{perp}:metrics: 576 new rows, 0 changed" in said
    assert "  hole: 288 rows missing from 2025-02-07 00:00 to 2025-02-07 23:55" in said
    assert main(["data", "check", *wanted]) == 0
    assert "noticed: 1 gap leaves out 288 rows, the longest: 2025-02-07 00:00 to" in capsys.readouterr().out
    market = configured_market([f"{perp}:1h"], RunConfig(flow={"sources": perp}))
    on_day = market.bars.filter(market.bars["ts"].dt.date() == day.date())
    assert on_day["flow_open_interest"].to_list()[1:3] == [
        100.0 + 22,
        100.0 + 34,
    ]  # stamped ten minutes before the close
    assert on_day["flow_basis"].is_finite().all()
    hole = market.bars.filter(market.bars["ts"].dt.date() == (day + timedelta(days=1)).date())
    assert hole["flow_open_interest"][1:].is_nan().all()
    assert "flow_liq_sell" not in market.bars.columns
