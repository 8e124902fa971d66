"""A bot's status for a person, what matters first: state, equity, positions, the last decisions, what stops entries."""

from collections.abc import Iterator, Mapping
from typing import Any

from tradsys.core.time import stamp
from tradsys.live.lines import Fields, cautions, number, traded


def standing(status: Fields) -> Iterator[str]:
    """Lines of it; none where there is no status yet."""
    if status.get("profile"):
        yield f"{traded(status)}; expires {stamp(status['expires_ms'])}"
    yield from (f"careful: {one}" for one in cautions(status))
    yield from _state(status.get("risk") or {})
    yield from _equity(status.get("account_state") or {}, status.get("risk") or {})
    yield from _positions(status)
    yield from _resting(status)
    yield from _weights(status) if status.get("aims") else _decisions(status)
    yield from _no_entry(status)


def _state(risk: Fields) -> Iterator[str]:
    if not risk.get("state"):
        return
    why = f": {risk['reason']}" if risk.get("reason") else ""
    until = f", until {stamp(risk['until_ms'])}" if risk.get("until_ms") else ""
    yield f"state {risk['state'].upper()}{until}{why}"
    if risk.get("n_unprotected"):
        yield f"careful: {risk['n_unprotected']} positions without their stop"
    if risk.get("n_errors"):
        yield f"careful: {risk['n_errors']} calls to the venue failed in a row"


def _equity(account: Fields, risk: Fields) -> Iterator[str]:
    equity = account.get("equity_quote", risk.get("equity_quote"))
    if equity is None:
        return
    parts = [f"equity {equity:,.2f}"]
    if "wallet_quote" in account:
        parts.append(f"wallet {account['wallet_quote']:,.2f}, unrealised {account['unrealised_quote']:+,.2f}")
    if "drawdown" in risk:
        lost = risk["day_loss"]
        parts.append(f"{'lost' if lost >= 0 else 'gained'} today {abs(lost):.1%}, drawdown {risk['drawdown']:.1%}")
    yield "; ".join(parts)


def _positions(status: Fields) -> Iterator[str]:
    held = {one["symbol"]: one for one in (status.get("account_state") or {}).get("positions", ())}
    trades = {one["symbol"]: one for one in status.get("open_trades", ())}
    for symbol in {**held, **trades}:
        yield _position(symbol, held.get(symbol), trades.get(symbol))
    if "account_state" in status and not held and not trades:
        yield "no position"


def _position(symbol: str, held: Fields | None, trade: Fields | None) -> str:
    side, size, entry = _what_is_held(held, trade)
    parts = [f"{'long' if side > 0 else 'short'} {number(size)} {symbol} at {number(entry)}"]
    if trade is not None:
        parts[0] += f" since {stamp(trade['entry_ms'])}"
        parts.append(f"stop {number(entry - side * trade['stop_distance'])}")
        if trade["target_distance"]:
            parts.append(f"target {number(entry + side * trade['target_distance'])}")
        if trade["deadline_ms"]:
            parts.append(f"left at {stamp(trade['deadline_ms'])} at the latest")
    if held is not None:
        parts.append(f"unrealised {held['unrealised_quote']:+,.2f}")
    return ", ".join(parts)


def _resting(status: Fields) -> Iterator[str]:
    """Entries that wait in the book."""
    for one in status.get("resting") or ():
        side = "buys" if one["side"] > 0 else "sells"
        filled = f", {number(one['filled_base'])} of it filled" if one["filled_base"] else ""
        what = f"{side} {number(one['size_base'])} {one['symbol']} at {number(one['price'])}"
        yield f"rests: {what}{filled}, until {stamp(one['rests_until_ms'])}"


def _what_is_held(held: Fields | None, trade: Fields | None) -> tuple[int, float, float]:
    if trade is not None:
        return trade["side"], abs(held["size_base"]) if held else trade["open_base"], trade["entry_price"]
    assert held is not None
    return (1 if held["size_base"] > 0 else -1), abs(held["size_base"]), held["entry_price"]


def _decisions(status: Fields) -> Iterator[str]:
    decisions: Mapping[str, Any] = status.get("decisions") or {}
    if status.get("last_close_ms") and not decisions:
        yield f"last close {stamp(status['last_close_ms'])}: nothing decided"
    for symbol, one in decisions.items():
        yield f"close of {stamp(one['close_ms'])}: {symbol} {_decided(one)}"
    for symbol, outcome in (status.get("entries") or {}).items():
        yield f"its entry in {symbol}: {outcome}"


def _weights(status: Fields) -> Iterator[str]:
    """Of target weights the last choice, beside what is held for it, and what put the next one off."""
    for one in status["aims"]:
        if one["weight"] or one["held_base"] or one["note"]:
            wanted = f"{one['symbol']} {one['weight']:+.1%} of the equity, wants {number(one['size_base'])}"
            note = f": {one['note']}" if one["note"] else ""
            yield f"choice of {stamp(one['choice_ms'])}: {wanted}, holds {number(one['held_base'])}{note}"
    if status.get("put_off"):
        yield f"careful: the choice that is due is put off: {status['put_off']}"


def _decided(one: Fields) -> str:
    known = [f"probability {one['probability']:.2f}"] if one.get("probability") is not None else []
    if one["action"] and one.get("expected_net") is not None:
        known.append(f"expected {one['expected_net']:+.2%} after costs")
    told = f" ({', '.join(known)})" if known else ""
    if not one["action"]:
        return f"stays out{told}: {one.get('reason') or 'no reason was given'}"
    return f"enters {'long' if one['action'] > 0 else 'short'}{told}"


def _no_entry(status: Fields) -> Iterator[str]:
    """Why nothing would be entered now, each reason once; stopentry is said above."""
    reasons = [status.get("no_entry"), status.get("trouble")]
    said = status.get("stopentry")
    for reason in dict.fromkeys(one for one in reasons if one and one != said):
        yield f"nothing is entered: {reason}"
    if status.get("leaving"):
        yield f"everything is being left: {status['leaving']}"
