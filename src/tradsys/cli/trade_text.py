"""What the verbs of `tradsys trade` print for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tradsys.cli.trade_standing import standing
from tradsys.core.time import stamp

_TRADE_COLUMNS: Final = ("symbol", "side", "size_base", "entry", "entry_price", "exit", "exit_price", "why", "result")


def status_text(seen: Mapping[str, Any]) -> str:
    """Who trades, what to know, and where the account stood when the bot last said so."""
    return "\n".join([_who(seen), *_warnings(seen), *(f"  {line}" for line in standing(seen.get("status") or {}))])


def trades_text(found: Mapping[str, Any]) -> str:
    """A line a trade, open ones last; then how many limit entries came to nothing."""
    rows = [_trade(one) for one in sorted(found["trades"], key=lambda one: one["is_open"])]
    lines = list(_table([_TRADE_COLUMNS, *rows])) if rows else [f"no trades on {found['account']} yet"]
    if unfilled := found.get("unfilled"):
        lines.append("limit entries that nobody filled: " + ", ".join(f"{n:,} {why}" for why, n in unfilled.items()))
    return "\n".join(lines)


def profit_text(found: Mapping[str, Any]) -> str:
    """Sums of closed trades."""
    lines = [f"{found['account']}: {_sums(found['all'])}", f"today (UTC): {_sums(found['today'])}"]
    return "\n".join([*lines, *(f"  {symbol}: {_sums(sums)}" for symbol, sums in found["symbols"].items())])


def rows_text(values: Mapping[str, Any]) -> str:
    """A line a value."""
    return "\n".join(_rows(values, ""))


def _who(seen: Mapping[str, Any]) -> str:
    holder, age = seen["holder"], seen["age_s"]
    if holder is None:
        last = "it never ran" if age is None else f"it last said how it goes {age:,.0f} s ago"
        return f"{seen['account']} is stopped: {last}; stops and targets stay at the venue"
    return f"{seen['account']} is traded by process {holder['pid']} on {holder['host']}, since {holder['started']}"


def _warnings(seen: Mapping[str, Any]) -> Iterator[str]:
    if seen["is_stuck"]:
        yield f"careful: its bot has not said how it goes for {seen['age_s'] or 0:,.0f} s"
    if seen["is_kill_file_there"]:
        yield "careful: the file KILL is there, and nothing can be resumed while it is"
    if seen["stopentry"]:
        yield f"no entries: {seen['stopentry']}"


def _rows(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _rows(value, indent + "  ")
        elif isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
            yield f"{indent}{name}:"
            yield from (f"{indent}  {', '.join(f'{key} {_plain(one[key])}' for key in one)}" for one in value)
        elif value not in (None, "", [], {}, ()):
            yield f"{indent}{name}: {_when(name, value)}"


def _when(name: str, value: Any) -> str:
    return stamp(value) if name.endswith("_ms") and isinstance(value, int) and value > 1e11 else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.8g}"
    return ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)


def _trade(row: Mapping[str, Any]) -> tuple[str, ...]:
    side = "long" if row["side"] > 0 else "short"
    left = (
        ("open", "", "") if row["is_open"] else (_stamp(row["exit_ms"]), _plain(row["exit_price"]), row["exit_reason"])
    )
    size, entry = _plain(row["size_base"]), _stamp(row["entry_ms"])
    return (row["symbol"], side, size, entry, _plain(row["entry_price"]), *left, f"{row['result_quote']:+,.2f}")


def _stamp(ms: int | None) -> str:
    return "" if ms is None else stamp(ms)


def _sums(sums: Mapping[str, Any]) -> str:
    won = f"{sums['n_won']} of {sums['n_trades']} won"
    paid = f"fees {sums['fees_quote']:,.2f}, funding {sums['funding_quote']:,.2f}"
    return f"{sums['result_quote']:+,.2f} after {paid}; {won}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
