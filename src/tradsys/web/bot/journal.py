"""What an account's journal holds for its page: its trades and the orders that are out."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tradsys.core.time import now_ms
from tradsys.live.account.folder import JOURNAL
from tradsys.live.execution.intent import Intent
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.trade_rows import trade_rows
from tradsys.live.intents import IntentJournal

MOST_ORDERS: Final = 100


@dataclass(frozen=True, slots=True)
class JournalRead:
    """Trades that had a fill, oldest first, and orders whose fate is not final; both empty of a new account."""

    trades: Sequence[Mapping[str, Any]] = ()
    orders: Sequence[Intent] = ()
    extent: tuple[int, ...] = ()


def read_journal(folder: Path, before: JournalRead | None = None) -> JournalRead:
    """The journal as it is now; trades are taken from `before` where none has changed since.

    It is opened to be read, for moments: nothing is made beside it, and nobody who writes waits.
    """
    path = folder / JOURNAL
    if not path.exists():
        return JournalRead()
    with closing(IntentJournal.reading(path)) as journal:
        orders = [one for symbol in sorted(journal.symbols()) for one in journal.unsettled(symbol)][:MOST_ORDERS]
        extent = journal.extent()
        if before is not None and before.extent == extent:
            return replace(before, orders=orders)
        rules = ExecutionRules(folder.name)
        trades = trade_rows(journal, journal.trades(), rules.liquidation_prefixes, now_ms())
        return JournalRead(trades, orders, extent)
