"""What anybody may read of an account's folder while its bot runs, and when none does: nothing is asked of a venue."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import DiskError
from tradsys.core.time import now_ms
from tradsys.live.account.folder import JOURNAL
from tradsys.live.account.lock import held
from tradsys.live.account.status import read_status
from tradsys.live.control import KILL
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.trade_rows import trade_rows, unfilled_trades
from tradsys.live.execution.wishes import STOP_ENTRY
from tradsys.live.intents import IntentJournal
from tradsys.live.lots import Lot, first_in_first_out

_DAY_MS: Final = 86_400_000


def look(folder: Path) -> dict[str, Any]:
    """How the account stands: who trades it, the last status and its age, and what keeps it from entering."""
    seen = read_status(folder)
    return {
        "account": folder.name,
        "is_running": seen.holder is not None,
        "holder": None if seen.holder is None else asdict(seen.holder),
        "age_s": None if seen.status is None else round(seen.age_s, 1),
        "is_stuck": seen.is_stuck,
        "is_kill_file_there": (folder / KILL).exists(),
        "stopentry": _flag(folder, STOP_ENTRY),
        "status": seen.status,
    }


def trades_of(folder: Path) -> list[dict[str, Any]]:
    """Trades that had a fill, in order of their beginning; none of an account that never traded."""
    if not (folder / JOURNAL).exists():
        return []
    rules = ExecutionRules(folder.name)
    with closing(IntentJournal.reading(folder / JOURNAL)) as journal:
        return trade_rows(journal, journal.trades(), rules.liquidation_prefixes, now_ms())


def unfilled_of(folder: Path) -> dict[str, int]:
    """How many limit entries nobody filled, by why they are over; empty where there were none."""
    if not (folder / JOURNAL).exists():
        return {}
    with closing(IntentJournal.reading(folder / JOURNAL)) as journal:
        return dict(Counter(str(trade.ended) for trade in unfilled_trades(journal)))


def lots_of(folder: Path) -> list[Lot]:
    """Every execution of the account, first in, first out, with what funding took."""
    if not (folder / JOURNAL).exists():
        return []
    with closing(IntentJournal.reading(folder / JOURNAL)) as journal:
        return first_in_first_out(journal.all_fills(), journal.all_funding())


def profit_of(trades: Sequence[Mapping[str, Any]], now_ms: int) -> dict[str, Any]:
    """Sums of closed trades: of all, of those that ended since midnight UTC, and by symbol."""
    closed = [one for one in trades if not one["is_open"]]
    midnight = now_ms // _DAY_MS * _DAY_MS
    symbols = sorted({str(one["symbol"]) for one in closed})
    return {
        "all": _sums(closed),
        "today": _sums(one for one in closed if one["exit_ms"] >= midnight),
        "symbols": {name: _sums(one for one in closed if one["symbol"] == name) for name in symbols},
        "n_open": len(trades) - len(closed),
    }


def stop_entries(folder: Path) -> dict[str, Any]:
    """No entry of an account that nobody trades, from its next start on; refused where somebody began meanwhile."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    with held(folder, when), closing(IntentJournal(folder / JOURNAL)) as journal:
        journal.set_flag(STOP_ENTRY, f"stopentry at {when}, while nobody traded the account")
        if journal.trouble:
            raise DiskError(f"stopentry was not kept: {journal.trouble}; free the disk, and say it again")
    return {
        "is_running": False,
        "said": "nobody trades the account; once somebody does, nothing is entered until resume",
    }


def _flag(folder: Path, name: str) -> str | None:
    if not (folder / JOURNAL).exists():
        return None
    with closing(IntentJournal.reading(folder / JOURNAL)) as journal:
        return journal.flag(name)


def _sums(trades: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    rows = list(trades)
    sums = {name: sum(one[name] for one in rows) for name in ("result_quote", "fees_quote", "funding_quote")}
    return {"n_trades": len(rows), "n_won": sum(one["result_quote"] > 0 for one in rows), **sums}
