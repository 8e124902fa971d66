"""`tradsys data check` says what a file holds, or why it is refused."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tradsys.cli.app import main


@pytest.fixture
def bars() -> pl.DataFrame:
    """Two days of hourly bars with three hours missing."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [hour for hour in range(48) if hour not in (10, 11, 30)]
    close = [100.0 + (hour % 7) for hour in rows]
    return pl.DataFrame(
        {
            "ts": [start + timedelta(hours=hour) for hour in rows],
            "open": close,
            "high": [price + 1 for price in close],
            "low": [price - 1 for price in close],
            "close": close,
            "volume": [1.0 + hour for hour in rows],
        },
        schema_overrides={"ts": pl.Datetime("ms", "UTC")},
    )


def test_good_file_is_accepted_with_its_gaps(bars, tmp_path, capsys):
    bars.write_parquet(tmp_path / "good.parquet")
    assert main(["data", "check", str(tmp_path / "good.parquet")]) == 0
    printed = capsys.readouterr().out
    assert "good.parquet: accepted" in printed
    assert "45 bars of 1h" in printed
    assert "2 gaps leave out 3 bars" in printed


def test_what_was_repaired_is_told_from_what_was_only_noticed(bars, tmp_path, capsys):
    bars.reverse().with_columns(volume=pl.lit(0.0)).write_csv(tmp_path / "untidy.csv")
    assert main(["data", "check", str(tmp_path / "untidy.csv")]) == 0
    printed = capsys.readouterr().out
    assert "\nrepaired: newest first" in printed
    assert "\nnoticed: bars without volume" in printed


def test_impossible_bars_are_refused_with_exit_code_3(bars, tmp_path, capsys):
    bars.with_columns(high=pl.col("low") - 1).write_parquet(tmp_path / "bad.parquet")
    assert main(["data", "check", str(tmp_path / "bad.parquet")]) == 3
    assert "bad.parquet: refused" in capsys.readouterr().out


def test_one_bad_file_among_good_ones_is_told_apart(bars, tmp_path, capsys):
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    bars.write_parquet(good)
    bars.with_columns(close=pl.lit(-1.0)).write_parquet(bad)
    assert main(["data", "check", "--json", str(good), str(bad)]) == 3
    first, second = json.loads(capsys.readouterr().out)["sources"]
    assert (first["refused"], first["n_bars"], first["n_missing"], first["interval"]) == (None, 45, 3, "1h")
    assert second["refused"]


def test_missing_file_is_one_sentence(tmp_path, capsys):
    assert main(["data", "check", str(tmp_path / "none.parquet")]) != 0
    assert "none.parquet" in "".join(capsys.readouterr())


def test_what_a_file_does_not_say_is_said_by_options(bars, tmp_path, capsys):
    path = tmp_path / "desk.csv"
    local = pl.col("ts").dt.convert_time_zone("Asia/Tokyo").dt.strftime("%Y-%m-%d %H:%M:%S")
    bars.with_columns(local).rename({"ts": "Stamp", "close": "Last"}).write_csv(path)
    said = ["--columns", "close=Last", "--columns", "time=Stamp", "--tz", "Asia/Tokyo", "--symbol", "BTCUSDT"]
    assert main(["data", "check", str(path)]) == 3
    assert "say what they are (--columns close=Last" in capsys.readouterr().out
    assert main(["data", "check", str(path), *said, "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["sources"]
    assert report["symbols"] == ["BTCUSDT"]
    assert "from 2024-01-01 00:00" in report["summary"]
    assert report["source"] == f"{path}?tz=Asia/Tokyo&symbol=BTCUSDT&columns=close:Last&columns=time:Stamp"
    assert main(["data", "check", report["source"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"] == [report]


def test_options_of_files_are_refused_for_anything_else(capsys):
    assert main(["data", "check", "sample", "--tz", "UTC"]) == 2
    assert "sample is no file: tz, symbol and columns are for files alone" in capsys.readouterr().err


def test_an_import_of_a_folder_ends_with_3_where_a_file_was_refused(bars, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TRADSYS_DATA__ROOT", str(tmp_path / "store"))
    folder = tmp_path / "binance"
    folder.mkdir()
    bars.rename({"ts": "date"}).write_ipc(folder / "BTC_USDT-1h.feather")
    (folder / "ETH_USDT-1h.json").write_text("[]")
    assert main(["data", "import", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "BTC_USDT-1h.feather -> binance:BTC/USDT:1h: 45 new rows" in printed
    assert "ETH_USDT-1h.json -> binance:ETH/USDT:1h: 0 new rows" in printed
    assert "noticed: skipped:" in printed
    (folder / "SOL_USDT-1h.feather").write_bytes(b"ARROW1 cut off")
    assert main(["data", "import", str(folder)]) == 3
    assert "noticed: refused:" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["list"], ["check", "sample"], ["import", "x.csv"], ["download", "x:A/B:1h"]])
def test_a_plugin_that_nothing_reads_is_refused(command, capsys):
    assert main(["data", *command, "--plugin", "mine.py"]) == 2
    assert "No such option: --plugin" in capsys.readouterr().err
