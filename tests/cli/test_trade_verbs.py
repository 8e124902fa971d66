"""The verbs of `tradsys trade`, as a person and a program type them, on accounts with a bot and without."""

import csv
import io
import json
import re
import sqlite3
from contextlib import closing

import pytest
from tests.live.execution.world import SYMBOL, an_entry
from tests.live.test_control import Bot

from tradsys.cli.app import main
from tradsys.core.errors import ConfigError
from tradsys.live.account import AccountFolder
from tradsys.live.clock import SystemClock
from tradsys.live.execution.opening import opened
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import Fill, FundingPayment

MONEY = {"equity_quote": 10_016.0, "wallet_quote": 10_000.0, "unrealised_quote": 16.0, "positions": []}
ASKING = [("balance",), ("resume",), ("forceexit", "all"), ("flatten",), ("kill",), ("reload",)]


@pytest.fixture
def account(tmp_path, monkeypatch):
    """An account that was traded: one trade won 20 less 3 of fees and 1 of funding, and one is open."""
    monkeypatch.chdir(tmp_path)
    clock = SystemClock()
    with AccountFolder(tmp_path / "live" / "main", clock, money="paper", venue="binance") as folder:
        with closing(IntentJournal(folder.journal)) as journal:
            for number in range(2):
                trade(journal, clock, number, is_over=number == 0)
            journal.add_funding([FundingPayment("1", SYMBOL, 1.0, clock.now_ms() - 9_000)])
        folder.write_status({"risk": {"state": "active"}, "account_state": MONEY, "unproven": "verdict: luck"})
    return folder.path


def trade(journal, clock, number, *, is_over):
    entry = an_entry(clock, size=1.0, close_ms=clock.now_ms() - 10_000 + number)
    one, intent = opened(entry, ExecutionRules("main"), entry.close_ms)
    journal.add([intent], [one])
    fills = [(fill(f"{number}-1", intent.client_id, 1, 100.0, 1.0, entry.close_ms), one.key)]
    journal.answer(intent.client_id, "filled", entry.close_ms, filled_base=1.0)
    if is_over:
        fills.append((fill(f"{number}-2", "x", -1, 120.0, 2.0, entry.close_ms + 5_000), one.key))
        journal.end_trade(one.key, entry.close_ms + 5_000, "target")
    journal.add_fills(fills)


def fill(trade_id, client_id, side, price, fee, ts_ms):
    return Fill(trade_id, client_id, SYMBOL, side, 1.0, price, fee, 20.0 if side < 0 else 0.0, False, ts_ms)


def run(capsys, *words):
    code = main(["trade", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def as_json(capsys, *words):
    code, out, err = run(capsys, *words, "--account", "main", "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_status_of_a_stopped_account_says_so_and_how_it_was(account, capsys):
    code, out, _ = run(capsys, "status", "--account", "main")
    assert code == 0
    assert re.search(r"main is stopped: it last said how it goes \d+ s ago; stops and targets stay at the venue", out)
    assert "state ACTIVE" in out
    assert "equity 10,016.00; wallet 10,000.00, unrealised +16.00" in out
    assert "careful: verdict: luck" in out
    found = as_json(capsys, "status")
    assert (found["is_running"], found["holder"], found["status"]["risk"]["state"]) == (False, None, "active")


def test_status_of_a_running_account_says_who_runs(account, capsys):
    with Bot(account, lambda _: {}):
        (account / "KILL").touch()
        found = as_json(capsys, "status")
        assert found["is_running"]
        assert found["is_kill_file_there"]
        assert "main is traded by process" in run(capsys, "status", "--account", "main")[1]


@pytest.mark.parametrize("verb", ["status", "trades", "profit", "export", "stopentry", "balance"])
def test_an_account_that_there_is_not_names_those_that_there_are(account, capsys, verb):
    code, _, err = run(capsys, verb, "--account", "mian")
    assert code == 2
    assert "no account mian in live/: there are main" in err


def test_profit_is_after_fees_and_funding(account, capsys):
    found = as_json(capsys, "profit")
    assert found["all"] == found["today"] == found["symbols"][SYMBOL]
    assert found["all"] == {"n_trades": 1, "n_won": 1, "result_quote": 16, "fees_quote": 3, "funding_quote": 1}
    assert found["n_open"] == 1
    assert "main: +16.00 after fees 3.00, funding 1.00; 1 of 1 won" in run(capsys, "profit", "--account", "main")[1]


def test_trades_are_told_with_their_ends(account, capsys):
    rows = as_json(capsys, "trades")["trades"]
    assert [(row["exit_reason"], row["is_open"]) for row in rows] == [("unknown", False), (None, True)]
    lines = run(capsys, "trades", "--account", "main")[1].splitlines()
    assert " ".join(lines[0].split()) == "symbol side size_base entry entry_price exit exit_price why result"
    assert lines[1].endswith("unknown  +16.00")
    assert "open" in lines[2]


def test_export_is_csv_first_in_first_out(account, capsys, tmp_path):
    code, out, _ = run(capsys, "export", "--account", "main")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["opened_by"], row["closed_by"]) for row in rows] == [("0-1", "0-2"), ("1-1", "")]
    assert float(rows[0]["fees_quote"]) == 3
    run(capsys, "export", "--account", "main", "--out", "lots.csv")
    assert (tmp_path / "lots.csv").read_text() == out
    assert [lot["net_quote"] for lot in as_json(capsys, "export")["lots"]] == [float(row["net_quote"]) for row in rows]


def test_what_is_read_is_not_written(account, capsys):
    before = {path: path.read_bytes() for path in account.iterdir() if path.is_file()}
    for verb in ("status", "profit", "trades", "export"):
        as_json(capsys, verb) if verb != "export" else run(capsys, verb, "--account", "main")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_what_takes_a_bot_is_exit_code_6_without_one(account, capsys, words):
    code, out, err = run(capsys, *words, "--account", "main")
    assert (code, out) == (6, "")
    assert "nobody trades account main" in err


@pytest.mark.parametrize("words", [*ASKING, ("stopentry",)], ids=" ".join)
def test_a_running_bot_is_asked_and_its_answer_printed(account, capsys, words):
    with Bot(account, lambda command: {"said": f"{command.verb} {command.argument}".strip()}):
        assert run(capsys, *words, "--account", "main") == (0, f"{' '.join(words)}\n", "")
        assert as_json(capsys, *words)["said"] == " ".join(words)


def test_what_was_not_done_is_exit_code_1_and_what_was_refused_has_its_own(account, capsys):
    def obey(command):
        if command.verb == "flatten":
            return {"is_done": False, "said": "something is left still"}
        raise ConfigError("the file KILL is there")

    with Bot(account, obey):
        assert run(capsys, "flatten", "--account", "main") == (1, "something is left still\n", "")
        assert run(capsys, "resume", "--account", "main") == (2, "", "tradsys: the file KILL is there\n")


def test_a_stopped_account_can_be_kept_from_entering(account, capsys):
    code, out, _ = run(capsys, "stopentry", "--account", "main")
    assert code == 0
    assert "nobody trades the account; once somebody does, nothing is entered until resume" in out
    with closing(sqlite3.connect(account / "journal.sqlite")) as db:
        assert db.execute("select value from flags where name = 'stopentry'").fetchone()[0].startswith("stopentry at")
    assert as_json(capsys, "status")["stopentry"].startswith("stopentry at")


def test_an_account_without_trades_has_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with AccountFolder(tmp_path / "live" / "main", SystemClock(), money="paper", venue="binance"):
        pass
    assert run(capsys, "trades", "--account", "main")[1] == "no trades on main yet\n"
    assert as_json(capsys, "profit")["all"]["n_trades"] == 0
    assert as_json(capsys, "status")["age_s"] is None
    assert "main is stopped: it never ran" in run(capsys, "status", "--account", "main")[1]
