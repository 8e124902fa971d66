"""What a person reads of a running bot: lines of what happened, and the status, what matters first."""

import pytest

from tradsys.cli.trade_standing import standing
from tradsys.live.lines import line

NOW_MS = 1_709_251_200_000
ORDER = {
    "client_id": "ts-1", "symbol": "BTC", "leg": "stop", "side": -1, "kind": "stop", "size_base": 0.0123,
    "price": 61_234.5, "why": "", "trade": "BTC-1",
}  # fmt: skip
ABOUT = {
    "account": "main", "money": "paper", "unproven": "luck", "notes": [], "broken_audit": "", "venue": "binance",
    "symbols": ["BTC"], "interval": "1h", "profile": "SNIPER", "verdict": "not proven",
    "bundle_hash": "0123456789abcdef", "expires_ms": NOW_MS + 60_000,
}  # fmt: skip
RISK = {"state": "reducing", "reason": "5% lost", "until_ms": None, "day_loss": 0.05, "drawdown": 0.07, "n_errors": 0}
HELD = {"symbol": "BTC", "size_base": -0.5, "entry_price": 100.0, "unrealised_quote": -1.25}
TRADE = {
    "symbol": "BTC", "side": -1, "open_base": 0.5, "entry_ms": NOW_MS, "entry_price": 100.0, "stop_distance": 2.0,
    "target_distance": 4.0, "deadline_ms": NOW_MS + 3_600_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("order_sent", ORDER, "order_sent: BTC stop sell 0.0123 at 61,234.5"),
        ("order_sent", ORDER | {"price": None}, "order_sent: BTC stop sell 0.0123 at market"),
        ("order_refused", ORDER | {"why": "too small"}, "order_refused: BTC stop sell 0.0123 at 61,234.5: too small"),
        ("order_known", ORDER | {"status": "rejected"}, "order_known: BTC stop sell 0.0123 at 61,234.5: rejected"),
        ("order_known", {"client_id": "x", "symbol": "BTC", "status": "absent"}, "order_known: BTC: absent"),
        ("denied", {"symbol": "BTC", "check": "cooldown_s", "reason": "lost"}, "denied: BTC: lost (cooldown_s)"),
        ("error", {"what": "stream", "reason": "shut", "again_in_s": 2.5}, "error: stream: shut (again_in_s 2.5)"),
        ("state", {"what": "clock", "moved_ms": 31}, "state: clock (moved_ms 31)"),
        ("state", RISK | {"until_ms": NOW_MS}, "state: reducing, until 2024-03-01 00:00: 5% lost"),
        ("command", {"verb": "forceexit", "argument": "all", "by": "telegram"}, "command: forceexit all, by telegram"),
        ("surprise", {"at_ms": NOW_MS, "size": 2.0}, "surprise: at_ms 2024-03-01 00:00, size 2"),
    ],
)  # fmt: skip
def test_a_line_says_what_of_what_and_why(kind, fields, said):
    assert line(NOW_MS, kind, fields) == f"2024-03-01 00:00:00  {said}"


@pytest.mark.parametrize(
    ("kind", "fields"), [("bar", {}), ("decision", {}), ("order_known", ORDER | {"status": "filled"})]
)
def test_what_another_line_says_is_none(kind, fields):
    assert line(NOW_MS, kind, fields) is None


def test_the_start_takes_two_lines_and_warns():
    first, second = line(NOW_MS, "started", ABOUT).splitlines()
    assert first.endswith("started: main, SNIPER (not proven) on BTC at binance, bars of 1h, on paper")
    assert second.strip() == "bundle 0123456789ab, expires 2024-03-01 00:01; careful: luck"


def status(**changed):
    money = {"equity_quote": 998.75, "wallet_quote": 1_000.0, "unrealised_quote": -1.25, "positions": [HELD]}
    decided = {"close_ms": NOW_MS, "action": 0, "probability": 0.512, "expected_net": 0.0, "reason": "below 0.6"}
    shown = {"risk": RISK, "account_state": money, "open_trades": [TRADE], "decisions": {"BTC": decided}}
    return list(standing(ABOUT | {"last_close_ms": NOW_MS, "entries": {}, "no_entry": None} | shown | changed))


def test_a_day_that_gained_is_no_loss():
    assert any("; gained today 1.3%, drawdown 7.0%" in line for line in status(risk=RISK | {"day_loss": -0.013}))


def test_a_status_says_what_matters_first():
    assert status(no_entry="the disk is full", trouble="the disk is full") == [
        "SNIPER (not proven) on BTC at binance, bars of 1h, on paper; expires 2024-03-01 00:01",
        "careful: luck",
        "state REDUCING: 5% lost",
        "equity 998.75; wallet 1,000.00, unrealised -1.25; lost today 5.0%, drawdown 7.0%",
        "short 0.5 BTC at 100 since 2024-03-01 00:00, stop 102, target 96, "
        "left at 2024-03-01 01:00 at the latest, unrealised -1.25",
        "close of 2024-03-01 00:00: BTC stays out (probability 0.51): below 0.6",
        "nothing is entered: the disk is full",
    ]


def test_a_position_that_nobody_entered_is_shown_all_the_same():
    assert "short 0.5 BTC at 100, unrealised -1.25" in status(open_trades=[])


def test_an_entry_says_what_it_expects():
    entered = {"close_ms": NOW_MS, "action": 1, "probability": 0.61, "expected_net": 0.0031, "reason": ""}
    lines = status(decisions={"BTC": entered}, entries={"BTC": "sent"})
    assert lines[-2].endswith("BTC enters long (probability 0.61, expected +0.31% after costs)")
    assert lines[-1] == "its entry in BTC: sent"
