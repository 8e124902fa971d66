"""The lines of a running bot for a person: what happened, of what, how much and why; JSON has every field."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tradsys.core.time import stamp

type Fields = Mapping[str, Any]

_QUIET: Final = ("bar", "decision")
"""Kinds of events that come with every bar: a person reads what follows from them."""

_SETTLED: Final = ("open", "filled")
"""Answers to an order after which its fill or the protection of its position is a line of its own."""

WHERE: Final = {"tape": "on a tape", "paper": "on paper", "live": "with money"}


def line(now_ms: int, kind: str, fields: Fields) -> str | None:
    """What a person reads of it; None of what is no news."""
    if kind == "aim" and not (fields.get("weight") or fields.get("note")):
        return None  # who was not chosen, and is not held
    if kind in _QUIET or (kind == "order_known" and fields.get("status") in _SETTLED):
        return None
    said = _TEXTS.get(kind, _any)(fields)
    return f"{datetime.fromtimestamp(now_ms / 1_000, UTC):%Y-%m-%d %H:%M:%S}  {kind}" + (f": {said}" if said else "")


def number(value: float) -> str:
    """A size or a price as a person reads it."""
    return f"{value:,.8g}"


def traded(about: Fields) -> str:
    """Which bundle is traded where, and on whose word."""
    what = f"{about.get('profile')} ({about.get('verdict')}) on {', '.join(about.get('symbols', ()))}"
    where = f"{about.get('venue')}, bars of {about.get('interval')}, {WHERE.get(about.get('money', ''), 'on paper')}"
    return f"{what} at {where}"


def cautions(about: Fields) -> list[str]:
    """What whoever trades it should know."""
    found = [about.get("unproven"), *about.get("notes", ()), about.get("broken_audit")]
    return [str(one) for one in found if one]


def _started(about: Fields) -> str:
    bundle = f"bundle {about.get('bundle_hash', '')[:12]}, expires {stamp(about.get('expires_ms', 0))}"
    rest = "; ".join([bundle, *(f"careful: {one}" for one in cautions(about))])
    return f"{about.get('account')}, {traded(about)}\n{'':21}{rest}"


def _order(fields: Fields) -> str:
    """What is ordered, and why where that is said."""
    price = fields.get("price")
    side = {1: "buy", -1: "sell"}.get(fields.get("side", 0))
    size = fields.get("size_base")
    parts = [fields.get("symbol"), fields.get("leg"), side, None if size is None else number(size)]
    if size is not None:
        parts.append("at market" if price is None else f"at {number(price)}")
    status = [fields["status"]] if "status" in fields else []
    return ": ".join([" ".join(str(part) for part in parts if part), *status, *_why(fields)])


def _fill(fields: Fields) -> str:
    side = "buy" if fields["side"] > 0 else "sell"
    done = f"{fields['symbol']} {side} {number(fields['size_base'])} at {number(fields['price'])}"
    won = fields["realised_quote"] or 0.0
    return f"{done}, fee {fields['fee_quote']:,.2f}" + (f", result before fees {won:+,.2f}" if won else "")


def _aim(fields: Fields) -> str:
    """How much of the equity is wanted of a symbol, which size that is, and why it is less."""
    size, note = number(fields["size_base"]), f": {fields['note']}" if fields.get("note") else ""
    return (
        f"{fields['symbol']} {fields['weight']:+.2%} of the equity, {size} at {number(fields['reference_price'])}{note}"
    )


def _about_symbol(fields: Fields) -> str:
    return ": ".join([str(fields.get("symbol")), *_why(fields)])


def _protected(fields: Fields) -> str:
    return f"{fields['symbol']}: its stop is at the venue, after {fields['after_ms'] / 1_000:.1f} s"


def _unprotected(fields: Fields) -> str:
    return f"{fields['symbol']}: {number(fields['size_base'])} has had no stop for {fields['for_ms'] / 1_000:.1f} s"


def _denied(fields: Fields) -> str:
    check = f" ({fields['check']})" if fields.get("check") else ""
    return f"{_about_symbol(fields)}{check}"


def _state(fields: Fields) -> str:
    if "state" not in fields:
        return _any(fields)
    until = f", until {stamp(fields['until_ms'])}" if fields.get("until_ms") else ""
    return ": ".join([f"{fields['state']}{until}", *_why(fields)])


def _command(fields: Fields) -> str:
    what = " ".join(str(fields[name]) for name in ("verb", "argument") if fields.get(name))
    return f"{what}, by {fields['by']}" if fields.get("by") else what


def _why(fields: Fields) -> list[str]:
    return [str(fields[name]) for name in ("why", "reason") if fields.get(name)]


def _any(fields: Fields) -> str:
    """All of it, where no shorter way is known: errors above all."""
    said = [str(fields["what"])] if fields.get("what") else []
    others = [name for name in fields if name not in ("what", "why", "reason")]
    named = ", ".join(f"{name} {_plain(name, fields[name])}" for name in others if fields[name] not in (None, ""))
    return ": ".join([*said, *_why(fields)]) + (f" ({named})" if said and named else named)


def _plain(name: str, value: Any) -> str:
    if name.endswith("_ms") and isinstance(value, int) and value > 1e11:
        return stamp(value)
    return number(value) if isinstance(value, float) else str(value)


_TEXTS: Final[Mapping[str, Callable[[Fields], str]]] = {
    "started": _started,
    "order_sent": _order,
    "order_known": _order,
    "order_unknown": _order,
    "order_refused": _order,
    "fill": _fill,
    "aim": _aim,
    "protected": _protected,
    "unprotected": _unprotected,
    "exit": _about_symbol,
    "foreign": _about_symbol,
    "cancelled": _about_symbol,
    "denied": _denied,
    "state": _state,
    "command": _command,
}
