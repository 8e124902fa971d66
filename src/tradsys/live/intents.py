"""The intent journal: what was meant is on disk before any of it leaves, so that no crash can lose or repeat an order.

One SQLite file. Every change is committed and synced when the call returns; a change of many rows is one commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any, Final

from tradsys.live.client_ids import N_DIGITS
from tradsys.live.execution.aims import AIM, Aim
from tradsys.live.execution.intent import Intent, IntentState, Trade
from tradsys.live.execution.journal_file import JournalFile, inserted
from tradsys.live.venue import Fill, FundingPayment

TRADE_COLUMNS = ", ".join(field.name for field in fields(Trade))
INTENT_COLUMNS = ", ".join(field.name for field in fields(Intent))
FILL_COLUMNS = ", ".join(field.name for field in fields(Fill))
REDUCE_ONLY = [field.name for field in fields(Intent)].index("is_reduce_only")
MAKER = [field.name for field in fields(Fill)].index("is_maker")
"""Where the two columns are that SQLite keeps as numbers."""


EARNED: Final = """
select total(got * case when sold > bought then bought / sold else 1 end - paid - fees) from (
    select total(case when side > 0 then size_base - fee_base end) as bought,
        total(case when side < 0 then size_base end) as sold,
        total(case when side > 0 then size_base * price end) as paid,
        total(case when side < 0 then size_base * price end) as got,
        total(fee_quote - fee_base * price) as fees
    from fills where trade is not null group by trade)
"""
"""A fee that was taken in the coin itself is no money that went: so many coins fewer are held."""


class IntentJournal(JournalFile):
    """Trades, orders meant, fills and funding of one account, and named flags; one process owns it."""

    _earned: tuple[int, float] | None = None

    def add(self, intents: Iterable[Intent], trades: Iterable[Trade] = ()) -> None:
        """Remember new orders, and new trades that they belong to, in one commit; entries on disk, or not at all."""
        orders = list(intents)
        self._change(
            inserted("trades", TRADE_COLUMNS, [astuple(trade) for trade in trades]),
            inserted("intents", INTENT_COLUMNS, [astuple(intent) for intent in orders]),
            is_new=any(not intent.is_reduce_only for intent in orders),
        )

    def answer(
        self, client_id: str, state: IntentState, now_ms: int, *, filled_base: float = 0.0, note: str = ""
    ) -> None:
        """What the venue said of an order. What it has filled never shrinks, and what was said for good stays.

        Answers may come in another order than they were given: only an order that never came may have come after all,
        and only one of which nothing is known may never have come.
        """
        after = "('unknown')" if state == "absent" else "('unknown', 'open', 'absent')"
        told = "update intents set state = ?, answered_ms = ?, filled_base = max(filled_base, ?), note = ?"
        where = f" where client_id = ? and state in {after}"
        self._change((told + where, [(state, now_ms, filled_base, note, client_id)]))

    def send_again(self, client_id: str, now_ms: int) -> None:
        """An entry that the venue definitely does not have is about to be sent once more."""
        sent = "update intents set state = 'unknown', sent_ms = ?, n_sent = n_sent + 1, note = '' where client_id = ?"
        self._change((sent, [(now_ms, client_id)]), is_new=True)

    def refused_again(self, client_id: str, why: str) -> None:
        """The venue refused an entry that was sent once more: it is over, unless the one sent before is there."""
        self._change(
            ("update intents set note = ? where client_id = ? and state = 'unknown'", [(why, client_id)]),
        )

    def end_trade(self, key: str, now_ms: int, why: str | None, *, aim: Aim | None = None) -> None:
        """A trade is over, and with it what its symbol was to be held of, where an aim takes the other's place."""
        aims = [] if aim is None else [(AIM + aim.symbol, aim.text)]
        self._change(
            ("update trades set closed_ms = ?, ended = ? where key = ?", [(now_ms, why, key)]),
            ("insert or replace into flags values (?, ?)", aims),
        )

    def aims(self) -> dict[str, Aim]:
        """What is to be held, by symbol, since the last choice of target weights."""
        return {name.removeprefix(AIM): Aim.of(text) for name, text in self.flags(AIM).items()}

    def aim(self, symbol: str) -> Aim | None:
        """What is to be held of one symbol, None where nothing was ever chosen of it."""
        text = self.flag(AIM + symbol)
        return None if text is None else Aim.of(text)

    def set_aims(self, aims: Iterable[Aim], *, is_new: bool) -> None:
        """Aim anew, in one commit; with `is_new` it may make positions larger, and is on the disk or not at all."""
        self.set_flags({AIM + aim.symbol: aim.text for aim in aims}, is_new=is_new)

    def open_trade(self, symbol: str) -> Trade | None:
        """The symbol's trade that is not over: there is at most one."""
        return self._one_trade("where symbol = ? and closed_ms is null order by rowid desc limit 1", (symbol,))

    def trade(self, key: str) -> Trade | None:
        """A trade by its key."""
        return self._one_trade("where key = ?", (key,))

    def trades(
        self, *, is_open: bool | None = None, symbol: str | None = None, n_last: int | None = None
    ) -> list[Trade]:
        """All trades in order of their beginning, or those that are open or over, of one symbol, the last so many."""
        where = {None: "true", True: "closed_ms is null", False: "closed_ms is not null"}[is_open]
        found = self._db.execute(
            f"select {TRADE_COLUMNS} from trades where {where} and (? is null or symbol = ?) "
            "order by created_ms desc, key desc limit ?",
            (symbol, symbol, -1 if n_last is None else n_last),
        )
        return [Trade(*row) for row in found][::-1]

    def intents(self, trade: str) -> list[Intent]:
        """All orders meant for a trade, oldest first."""
        return self._intents("where trade = ? order by sent_ms, client_id", (trade,))

    def intent(self, client_id: str) -> Intent | None:
        """An order by its id."""
        found = self._intents("where client_id = ?", (client_id,))
        return found[0] if found else None

    def unsettled(self, symbol: str) -> list[Intent]:
        """Orders of a symbol whose fate is not final."""
        return self._intents("where symbol = ? and state in ('unknown', 'open') order by sent_ms, client_id", (symbol,))

    def n_attempts(self, trade: str, stem: str) -> int:
        """The number of the next order whose id begins so; orders that only their fills tell of are counted too."""
        row = self._db.execute(
            "select max(client_id) from (select client_id, trade from intents union all select client_id, trade"
            " from fills) where trade = ? and substr(client_id, 1, ?) = ?",
            (trade, len(stem), stem),
        ).fetchone()
        return 0 if row[0] is None else int(str(row[0])[len(stem) :][:N_DIGITS], 36) + 1

    def symbols(self) -> set[str]:
        """Symbols that something is still to be done about: an open trade, or an order whose fate is not final."""
        rows = self._db.execute(
            "select symbol from trades where closed_ms is null"
            " union select symbol from intents where state in ('unknown', 'open')"
        )
        return {str(symbol) for (symbol,) in rows}

    def unknown_fills(self, fills: Iterable[Fill]) -> list[Fill]:
        """Those executions that are not remembered yet."""
        return [fill for fill in fills if not self._has_fill(fill)]

    def add_fills(self, fills: Sequence[tuple[Fill, str | None]]) -> None:
        """Remember executions, each with the trade that it belongs to."""
        self._change(inserted("fills", FILL_COLUMNS + ", trade", [(*astuple(fill), trade) for fill, trade in fills]))

    def fills(self, trade: str) -> list[Fill]:
        """Executions of a trade in order."""
        where = f"select {FILL_COLUMNS} from fills where trade = ? order by ts_ms, length(trade_id), trade_id"
        return [_fill(row) for row in self._db.execute(where, (trade,))]

    def all_fills(self) -> list[Fill]:
        """Every execution that is known, in order."""
        rows = self._db.execute(f"select {FILL_COLUMNS} from fills order by ts_ms, length(trade_id), trade_id")
        return [_fill(row) for row in rows]

    def base_left(self, symbol: str) -> float:
        """What trades of a symbol bought, less fees taken in the coin, and have not sold again, of each at least 0."""
        rows = self._db.execute(
            "select total(max(held, 0)) from (select total(side * size_base - fee_base) as held from fills"
            " where symbol = ? and trade is not null group by trade)",
            (symbol,),
        )
        return float(rows.fetchone()[0])

    def earned_cash(self) -> float:
        """What our trades have put into the quote currency less what they took out of it, fees of any coin included.

        Of what somebody else sold beside a trade only as much is counted as the trade had bought.
        """
        n_fills = int(self._db.execute("select count(*) from fills").fetchone()[0])
        if self._earned is None or self._earned[0] != n_fills:
            self._earned = (n_fills, float(self._db.execute(EARNED).fetchone()[0]))
        return self._earned[1]

    def last_fill_ms(self, symbol: str) -> int | None:
        """When the newest known execution of a symbol was."""
        row = self._db.execute("select max(ts_ms) from fills where symbol = ?", (symbol,)).fetchone()
        return None if row[0] is None else int(row[0])

    def add_funding(self, payments: Sequence[FundingPayment]) -> None:
        """Remember payments; those that are known already change nothing."""
        if payments:
            columns = "payment_id, symbol, paid_quote, ts_ms"
            self._change(inserted("funding", columns, [astuple(one) for one in payments], how="insert or ignore"))

    def all_funding(self) -> list[FundingPayment]:
        """Every payment that is known, in order."""
        rows = self._db.execute("select payment_id, symbol, paid_quote, ts_ms from funding order by ts_ms, payment_id")
        return [FundingPayment(*row) for row in rows]

    def funding_paid(self, symbol: str, start_ms: int, end_ms: int) -> float:
        """What a position paid from start to end, both included."""
        row = self._db.execute(
            "select total(paid_quote) from funding where symbol = ? and ts_ms between ? and ?",
            (symbol, start_ms, end_ms),
        ).fetchone()
        return float(row[0])

    def last_funding_ms(self) -> int | None:
        """When the newest known payment was."""
        row = self._db.execute("select max(ts_ms) from funding").fetchone()
        return None if row[0] is None else int(row[0])

    def first_trade_ms(self) -> int | None:
        """When the first trade began."""
        row = self._db.execute("select min(created_ms) from trades").fetchone()
        return None if row[0] is None else int(row[0])

    def extent(self) -> tuple[int, ...]:
        """Trades, those that are open, executions and payments, counted: while they stay, so do the rows of trades."""
        tables = ("trades", "trades where closed_ms is null", "fills", "funding")
        return tuple(int(self._db.execute(f"select count(*) from {one}").fetchone()[0]) for one in tables)

    def _has_fill(self, fill: Fill) -> bool:
        found = self._db.execute("select 1 from fills where symbol = ? and trade_id = ?", (fill.symbol, fill.trade_id))
        return found.fetchone() is not None

    def _one_trade(self, where: str, values: tuple[Any, ...]) -> Trade | None:
        row = self._db.execute(f"select {TRADE_COLUMNS} from trades {where}", values).fetchone()
        return None if row is None else Trade(*row)

    def _intents(self, where: str, values: tuple[Any, ...]) -> list[Intent]:
        rows = self._db.execute(f"select {INTENT_COLUMNS} from intents {where}", values)
        return [_intent(row) for row in rows]


def _intent(row: tuple[Any, ...]) -> Intent:
    values = (*row[:REDUCE_ONLY], bool(row[REDUCE_ONLY]), *row[REDUCE_ONLY + 1 :])
    return Intent(*values)


def _fill(row: tuple[Any, ...]) -> Fill:
    values = (*row[:MAKER], bool(row[MAKER]), *row[MAKER + 1 :])
    return Fill(*values)
