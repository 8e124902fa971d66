"""Room is taken by what was granted at entry, and by what a position is worth where nobody granted it."""

import json
import math

from tradsys.live.execution.intent import Trade
from tradsys.live.shares import granted_shares, shares_held
from tradsys.live.venue import AccountState, Position


def account(equity: float, *positions: Position) -> AccountState:
    return AccountState(equity, 0.0, equity, positions)


def trade(symbol: str, decision: dict[str, object]) -> Trade:
    return Trade(symbol, symbol, 1, "entry", 1.0, 100.0, 0, 1, 1.0, 1.0, 0.0, 0.0, json.dumps(decision), 0)


def test_an_open_trade_says_what_it_was_granted_and_one_that_was_found_does_not() -> None:
    assert granted_shares([trade("A", {"share": 0.35}), trade("B", {})]) == {"A": 0.35, "B": None}


def test_positions_that_no_trade_explains_take_room_by_their_worth() -> None:
    foreign = Position("X", -2.0, 90.0, 100.0, -20.0)
    own = Position("A", 1.0, 90.0, 100.0, 10.0)
    assert shares_held({"A": 0.4, "B": 0.1}, account(1_000.0, foreign, own)) == {"A": 0.4, "B": 0.1, "X": 0.2}
    assert shares_held({"A": None}, account(1_000.0, own)) == {"A": 0.1}
    assert shares_held({}, account(0.0, own)) == {"A": math.inf}
