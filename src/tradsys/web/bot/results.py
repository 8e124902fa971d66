"""Trades that are over with their results, and what a replay made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tradsys.core.time import now_ms
from tradsys.live.account.looked import profit_of
from tradsys.report.numbers import minute, moment, percent
from tradsys.web.bot.plain import Plain, exact, quote

MOST_TRADES: Final = 100


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One round trip after fees and funding."""

    entry: str
    exit: str
    symbol: str
    side: str
    size: str
    entry_price: str
    exit_price: str
    reason: str
    result: str
    net_return: str
    is_won: bool


@dataclass(frozen=True, slots=True)
class SumsRow:
    """What trades earned together."""

    name: str
    result: str
    is_won: bool
    n_trades: int
    n_won: int
    fees: str
    funding: str


@dataclass(frozen=True, slots=True)
class ReplayCard:
    """The account beside the simulation of its bars, as it was when somebody replayed it."""

    made: str
    lived: str
    simulated: str
    gap: str
    parts: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    bars: str


def closed_trades(trades: Sequence[Mapping[str, Any]]) -> list[ClosedTrade]:
    """The last of them, the newest first."""
    over = [one for one in trades if not one["is_open"]]
    return [_closed(one) for one in over[::-1][:MOST_TRADES]]


def sums_rows(trades: Sequence[Mapping[str, Any]], status: Plain) -> list[SumsRow]:
    """Of all, of the day on the bot's own clock, and by symbol where there are several; none where none is over."""
    found = profit_of(trades, int(status.number("now_ms") or now_ms()))
    if not found["all"]["n_trades"]:
        return []
    symbols = found["symbols"] if len(found["symbols"]) > 1 else {}
    rows = [("All", found["all"]), ("Today (UTC)", found["today"]), *symbols.items()]
    return [_sums(name, sums) for name, sums in rows]


def replay_card(kept: Mapping[str, Any] | None) -> ReplayCard | None:
    """None where none was made."""
    if kept is None:
        return None
    found = Plain(kept)
    lived, simulated = found.number("lived_quote"), found.number("simulated_quote")
    gap = None if lived is None or simulated is None else lived - simulated
    parts = found.part("gap")
    named = [(name.replace("_", " "), parts.number(name)) for name in parts.values]
    return ReplayCard(
        made=minute(moment(found.text("made"))),
        lived=quote(lived, signed=True),
        simulated=quote(simulated, signed=True),
        gap=quote(gap, signed=True),
        parts=tuple((name, quote(value, signed=True)) for name, value in named),
        lines=tuple(one.strip() for one in found.texts("lines")[2:]),
        bars=", ".join(found.texts("bars")),
    )


def _closed(one: Mapping[str, Any]) -> ClosedTrade:
    return ClosedTrade(
        entry=minute(one["entry_ms"]),
        exit=minute(one["exit_ms"]),
        symbol=one["symbol"],
        side="long" if one["side"] > 0 else "short",
        size=exact(one["size_base"]),
        entry_price=exact(one["entry_price"]),
        exit_price=exact(one["exit_price"]),
        reason=one["exit_reason"],
        result=quote(one["result_quote"], signed=True),
        net_return=percent(one["net_return"], signed=True),
        is_won=one["result_quote"] > 0,
    )


def _sums(name: str, sums: Mapping[str, Any]) -> SumsRow:
    return SumsRow(
        name=name,
        result=quote(sums["result_quote"], signed=True),
        is_won=sums["result_quote"] > 0,
        n_trades=sums["n_trades"],
        n_won=sums["n_won"],
        fees=quote(sums["fees_quote"]),
        funding=quote(sums["funding_quote"]),
    )
