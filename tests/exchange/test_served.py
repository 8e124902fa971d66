"""The exchange as a process of its own: what it prints, how it plays a file's bars, and how fast its time goes."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.exchange.scaled import Scale, ScaledLoop, real_ms
from tests.exchange.server import arguments, built, interval_of, read_bars
from tests.exchange.serving import ENVIRON, ROOT, server_process

pytestmark = pytest.mark.slow
MINUTE = timedelta(minutes=1)


def get(url: str) -> object:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def test_random_walks_go_on_from_now():
    with server_process("--symbols", "BTCUSDT,SOLUSDT", "--history", "20") as (base, lines):
        assert lines[2:5] == [
            f"TRADSYS_TRADE__URL={base}",
            "TRADSYS_TRADE__API_KEY=loopback-key",
            "TRADSYS_TRADE__API_SECRET=loopback-secret",
        ]
        assert abs(get(f"{base}/fapi/v1/time")["serverTime"] - time.time() * 1_000) < 2_000
        assert list(get(f"{base}/_ctl")["prices"]) == ["BTCUSDT", "SOLUSDT"]
        assert len(get(f"{base}/fapi/v1/klines?symbol=SOLUSDT&interval=1m")) == 21


def bars_file(path, n_bars: int = 50) -> pl.DataFrame:
    """Bars of a minute of 2024, each a quote dearer than the last."""
    start = datetime(2024, 3, 1, tzinfo=UTC)
    opens = [100.0 + k for k in range(n_bars)]
    frame = pl.DataFrame(
        {
            "ts": [start + k * MINUTE for k in range(n_bars)],
            "open": opens,
            "high": [value + 2 for value in opens],
            "low": [value - 1 for value in opens],
            "close": [value + 1 for value in opens],
            "volume": [10.0] * n_bars,
        }
    )
    frame.write_parquet(path)
    return frame


def test_a_tape_plays_in_time_that_goes_faster(tmp_path):
    frame = bars_file(tmp_path / "bars.parquet")
    options = ["--bars", str(tmp_path / "bars.parquet"), "--symbols", "XUSDT", "--history", "10", "--bar-s", "0.2"]
    with server_process(*options) as (base, lines):
        scale = Scale.read(lines[-2].split()[-3])
        assert scale.speed == 300
        first = frame["ts"].dt.epoch("ms")[0]
        for _ in range(200):
            rows = get(f"{base}/fapi/v1/klines?symbol=XUSDT&interval=1m")
            if len(rows) >= 14:
                break
            time.sleep(0.05)
        assert [float(row[4]) for row in rows[:13]] == frame["close"][:13].to_list()
        assert rows[0][0] == first
        before, told, after = scale.now_ms(), get(f"{base}/fapi/v1/time")["serverTime"], scale.now_ms()
        assert before - 300 <= told <= after + 300
        assert rows[-1][0] <= scale.now_ms()


def test_a_restamped_tape_goes_on_now(tmp_path):
    frame = bars_file(tmp_path / "bars.parquet")
    options = ["0", "--bars", str(tmp_path / "bars.parquet"), "--symbols", "XUSDT", "--history", "10", "--restamp"]
    exchange, scale = built(arguments(options))
    rows = exchange.klines("XUSDT")
    assert abs(scale.now_ms() - real_ms()) < 1_000
    assert [row.close for row in rows[:10]] == frame["close"][:10].to_list()
    assert 0 <= real_ms() - rows[10].ts_ms < 120_000


def test_a_file_without_the_symbol_is_named(tmp_path):
    bars_file(tmp_path / "bars.parquet")
    one = pl.read_parquet(tmp_path / "bars.parquet")
    both = [one.with_columns(symbol=pl.lit(name)) for name in ("AUSDT", "CUSDT")]
    pl.concat(both).write_parquet(tmp_path / "named.parquet")
    with pytest.raises(SystemExit, match=r"named.parquet has no bars of BUSDT; it has AUSDT, CUSDT"):
        read_bars(str(tmp_path / "named.parquet"), ["AUSDT", "BUSDT"])


def test_the_sample_is_a_tape_of_quarters_of_an_hour():
    bars = read_bars("sample", ["BTCUSDT"])
    assert interval_of(bars) == "15m"
    assert len(bars["BTCUSDT"]) > 8_000


def test_a_command_lives_in_the_time_that_it_is_given(tmp_path):
    """Its clock shows the scale's time, and a minute's wait takes a tenth of a second."""
    program = (
        "import asyncio, sys, time\n"
        "from tests.exchange.scaled import Scale, enter\n"
        "from tradsys.live.clock import SystemClock\n"
        "scale = Scale.read(sys.argv[1])\n"
        "enter(scale)\n"
        "began = time.monotonic()\n"
        "asyncio.run(asyncio.sleep(60))\n"
        "print(abs(SystemClock(5_000).now_ms() - scale.now_ms() - 5_000) < 1_000, time.monotonic() - began < 20)\n"
    )
    scale = Scale(600.0, real_ms(), 1_600_000_000_000.0)
    told = subprocess.run(
        [sys.executable, "-c", program, str(scale)], capture_output=True, text=True, check=True, env=ENVIRON
    )
    assert told.stdout.split() == ["True", "True"]


def test_a_scaled_command_is_the_command():
    command = [sys.executable, "-m", "tests.exchange.scaled", "60:0:0", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRON, cwd=ROOT)
    assert told.stdout.startswith("tradsys ")


def test_waits_of_a_scaled_loop_are_as_much_shorter():
    async def wait() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(60.0)
        return asyncio.get_running_loop().time() - began

    loop, began = ScaledLoop(600.0), time.monotonic()
    try:
        assert loop.run_until_complete(wait()) >= 59.9
    finally:
        loop.close()
    assert 0.09 < time.monotonic() - began < 5.0
