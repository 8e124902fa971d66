"""One session as a person types it: a bundle traded on a tape by the real bot, asked, killed, gone on, replayed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import polars as pl
import pytest
from tests.live.canaries import Canary, assert_silent
from tests.live.trading import DAY_MS, deployment
from tests.predictor.conftest import bars, predictor

from tradsys.cli.app import main
from tradsys.core.costs import Costs
from tradsys.core.time import now_ms
from tradsys.live.account.audit import check_all

__all__ = ["bars", "predictor"]
SYMBOL = "BTC/USDT:USDT"
N_PLAYED = 40
CANARIES = [Canary("api_key"), Canary("api_secret"), Canary("telegram_token")]


@pytest.fixture
def place(tmp_path, monkeypatch, bars, predictor):
    """A working folder with a bundle, a tape, and secrets that nothing here needs."""
    monkeypatch.chdir(tmp_path)
    traded = replace(predictor, symbols=(SYMBOL,), valuation=replace(predictor.valuation, slippage={SYMBOL: 1e-4}))
    said = deployment(
        symbols=(SYMBOL,),
        interval_ms=3_600_000,
        costs=Costs(),
        profile="TAMED",
        bands=dict.fromkeys(traded.features.columns, (-10.0, 10.0)),
        expires_ms=now_ms() + DAY_MS,
        verdict=replace(deployment().verdict, profile="TAMED"),
    )
    traded.save(tmp_path / "B", deployment=said.to_dict())
    bars.head(predictor.lookback + N_PLAYED).with_columns(symbol=pl.lit(SYMBOL)).write_parquet("tape.parquet")
    lines = [f"TRADSYS_TRADE__{one.name.upper()}={one.text}\n" for one in CANARIES]
    (tmp_path / ".env").write_text("".join(lines))
    (tmp_path / ".env").chmod(0o600)
    return tmp_path


def asked(capsys, *words):
    assert main(["trade", *words, "--account", "main", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_session_is_traded_and_replays_as_the_simulation(place, capsys):
    assert main(["trade", "B", "--account", "main", "--tape", "tape.parquet"]) == 0
    told = capsys.readouterr()
    closed = asked(capsys, "profit")["all"]
    assert closed["n_trades"] >= 2
    found = asked(capsys, "replay", "B", "--bars", "tape.parquet")
    assert found["missing"] == {} and asked(capsys, "replay", "B") == found, "with the bars that the bot kept"
    assert found["causes"]["same"] >= 2
    assert set(found["causes"]) <= {"same", "time_exit", "gap_exit", "inside_bar"}
    assert asked(capsys, "status")["status"]["is_running"] is False
    assert check_all(place / "live" / "main") == []
    assert_silent(CANARIES, place, out=told.out, err=told.err)


def began(place, *words):
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tradsys", "trade", "B", "--account", "main", "--tape", "tape.parquet", *words],
        cwd=place,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_killed_it_goes_on_and_ended_it_ends_in_good_order(place, capsys):
    with began(place, "--speed", "3600") as first:
        for line in first.stdout:
            if "  protected: " in line:
                break
        first.kill()
    assert asked(capsys, "status")["is_running"] is False
    with began(place, "--speed", "10") as second:
        while not asked(capsys, "status")["is_running"]:
            time.sleep(0.1)
        assert "started" in second.stdout.readline()
        assert asked(capsys, "stopentry")["said"].startswith("nothing is entered")
        assert asked(capsys, "flatten")["is_done"] is True
        assert all(not trade["is_open"] for trade in asked(capsys, "trades")["trades"])
        second.send_signal(signal.SIGTERM)
        out, err = second.communicate(timeout=30)
    assert (second.returncode, err) == (0, "")
    assert "stopped" in out
    seen = asked(capsys, "status")
    assert (seen["is_running"], seen["status"]["is_running"]) == (False, False)
    assert seen["stopentry"].startswith("flatten")
    assert check_all(place / "live" / "main") == []
    assert_silent(CANARIES, place, out=out)
