"""Folders of traded accounts as bots leave them, for the pages that show them."""

import json
import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tradsys.live.account.equity_history import EquityHistory, EquityPoint
from tradsys.live.account.folder import AccountFolder, Money
from tradsys.live.account.scrub import Scrubber
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.intents import IntentJournal
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.venue import Fill

SYMBOL = "BTC/USDT:USDT"
NOON_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


class Noon:
    def now_ms(self) -> int:
        return NOON_MS


def status(**changes: Any) -> dict[str, Any]:
    """What a bot with one open trade says of itself."""
    about = {"account": "paper-1", "money": "paper", "venue": "binance", "symbols": [SYMBOL], "interval": "1h"}
    what = {"profile": "SNIPER", "verdict": "proven", "unproven": "", "notes": [], "expires_ms": 2 * NOON_MS}
    held = {"symbol": SYMBOL, "size_base": 0.5, "entry_price": 100.0, "mark_price": 101.0, "unrealised_quote": 0.5}
    money = {"wallet_quote": 1_000.0, "unrealised_quote": 0.5, "equity_quote": 1_000.5, "positions": [held]}
    decided = {"close_ms": NOON_MS, "action": 0, "side": 1, "probability": 0.54, "expected_net": -0.001}
    risk = {"state": "active", "cause": "start", "reason": "nothing was ever stopped", "since_ms": 0, "until_ms": None}
    figures = {"equity_quote": 1_000.5, "peak_quote": 1_010.0, "day_loss": 0.01, "drawdown": 0.0094}
    counted = {"n_orders_minute": 2, "n_errors": 0, "drift": {SYMBOL: 0.04}, "n_unprotected": 0}
    opened = {"symbol": SYMBOL, "side": 1, "entry_price": 100.0, "stop_distance": 2.0, "target_distance": 3.0}
    return {
        **about,
        **what,
        "is_running": True,
        "now_ms": NOON_MS + 60_000,
        "started_ms": NOON_MS - HOUR_MS,
        "last_close_ms": NOON_MS,
        "account_age_ms": 2_000,
        "account_state": money,
        "open_trades": [{**opened, "entry_ms": NOON_MS - HOUR_MS, "deadline_ms": NOON_MS + HOUR_MS, "open_base": 0.5}],
        "decisions": {SYMBOL: {**decided, "reason": "rank of the confidence is not above 0.75"}},
        "entries": {},
        "no_entry": None,
        "stopentry": None,
        "leaving": None,
        "risk": {**risk, **figures, **counted, "limits": {**vars_of(RiskLimits())}},
        "trouble": "",
        **changes,
    }


def vars_of(limits: RiskLimits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in RiskLimits.__dataclass_fields__}


def write_account(
    live: Path, name: str = "paper-1", *, money: Money = "paper", scrub: Scrubber = Scrubber(), **changes: Any
) -> Path:
    """An account that was traded and is not any more: one trade over, one open, a log, a curve."""
    account = AccountFolder(live / name, Noon(), money=money, venue="binance", scrub=scrub)
    with account as folder:
        folder.tell("started", {"bundle_hash": "b" * 64, "account": name})
        folder.tell("decision", {"symbol": SYMBOL, "close_ms": NOON_MS - HOUR_MS, "action": 1, "probability": 0.61})
        folder.tell("denied", {"symbol": SYMBOL, "close_ms": NOON_MS - HOUR_MS, "reason": "in position"})
        folder.tell("error", {"what": "account", "reason": "no answer within 4 s"})
        folder.write_status(status(**{"account": name, "money": money, **changes}))
        write_journal(folder.journal)
    history = EquityHistory(live / name)
    for minute in range(60):
        history.add(EquityPoint(NOON_MS - (60 - minute) * 60_000, 990.0 + minute / 6, 990.0))
    return live / name


def write_journal(path: Path) -> None:
    """A trade that won 5 before fees of 0.2, and one that is open with its stop out."""
    with closing(IntentJournal(path)) as journal:
        journal.add([_intent("e0", "t0", "entry", 1), _intent("x0", "t0", "target", -1)], [_trade("t0", 6)])
        journal.add([_intent("e1", "t1", "entry", 1), _intent("s1", "t1", "stop", -1, state="open")], [_trade("t1", 1)])
        fills = [_fill("1", "e0", 1, 100.0, 6), _fill("2", "x0", -1, 110.0, 5), _fill("3", "e1", 1, 100.0, 1)]
        journal.add_fills(list(zip(fills, ("t0", "t0", "t1"), strict=True)))
        journal.end_trade("t0", NOON_MS - 5 * HOUR_MS, None)


def rewrite_status(folder: Path, *, age_s: float = 0.0, **changes: Any) -> None:
    """Another status, written so many seconds ago."""
    (folder / "status.json").write_text(json.dumps(status(**{"account": folder.name, **changes})))
    at = time.time() - age_s
    os.utime(folder / "status.json", (at, at))


def _trade(key: str, hours: int) -> Trade:
    at = NOON_MS - hours * HOUR_MS
    decision = json.dumps({"reason": "enter long"})
    return Trade(key, SYMBOL, 1, "entry", 0.5, 100.0, at, at + HOUR_MS, 2.0, 3.0, 0.0, 0.0, decision, at)


def _intent(client_id: str, trade: str, leg: Any, side: int, state: Any = "filled") -> Intent:
    kind: Any = {"entry": "market", "stop": "stop", "target": "limit"}[leg]
    price, filled = (98.0, 0.0) if leg == "stop" else (None, 0.5)
    return Intent(
        client_id,
        trade,
        SYMBOL,
        leg,
        side,
        kind,
        0.5,
        price,
        leg != "entry",
        leg,
        state,
        filled,
        NOON_MS,
        NOON_MS,
        1,
        "",
    )


def _fill(trade_id: str, client_id: str, side: int, price: float, hours: int) -> Fill:
    realised = 5.0 if side < 0 else 0.0
    return Fill(trade_id, client_id, SYMBOL, side, 0.5, price, 0.1, realised, False, NOON_MS - hours * HOUR_MS)
