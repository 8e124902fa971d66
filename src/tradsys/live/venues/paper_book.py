"""The paper account's books on disk: wallet, holdings, orders, fills and payments, each change whole or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from tradsys.live.venue import Fill, FundingPayment, OrderKind, OrderStatus, VenueOrder, VenueUnknown

_TABLES = """
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS symbols (
    symbol TEXT PRIMARY KEY, size_base REAL NOT NULL DEFAULT 0, entry_price REAL NOT NULL DEFAULT 0,
    walked_ms INTEGER NOT NULL DEFAULT 0, funded_ms INTEGER NOT NULL DEFAULT 0, leverage REAL, margin_type TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, client_id TEXT NOT NULL, symbol TEXT NOT NULL, side INTEGER NOT NULL,
    kind TEXT NOT NULL, size_base REAL NOT NULL, filled_base REAL NOT NULL, price REAL, average_price REAL,
    is_reduce_only INTEGER NOT NULL, status TEXT NOT NULL, placed_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
    seen_price REAL NOT NULL, seen_high REAL NOT NULL, seen_low REAL NOT NULL, pair_id INTEGER
);
CREATE INDEX IF NOT EXISTS open_orders ON orders (symbol) WHERE status = 'open';
CREATE INDEX IF NOT EXISTS by_client_id ON orders (symbol, client_id);
CREATE TABLE IF NOT EXISTS fills (
    number INTEGER PRIMARY KEY, client_id TEXT NOT NULL, symbol TEXT NOT NULL, side INTEGER NOT NULL,
    size_base REAL NOT NULL, price REAL NOT NULL, fee_quote REAL NOT NULL, slippage_quote REAL NOT NULL,
    realised_quote REAL, is_maker INTEGER NOT NULL, ts_ms INTEGER NOT NULL, fee_base REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS fills_of ON fills (symbol, ts_ms);
CREATE TABLE IF NOT EXISTS funding (
    number INTEGER PRIMARY KEY, symbol TEXT NOT NULL, paid_quote REAL NOT NULL, ts_ms INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class PaperHolding:
    """What the paper account holds of a symbol, its sign in `size_base`, and up to where its time has been lived.

    Bars that open before `walked_ms` have been walked, funding up to `funded_ms` has been settled.
    """

    symbol: str
    size_base: float = 0.0
    entry_price: float = 0.0
    walked_ms: int = 0
    funded_ms: int = 0
    leverage: float | None = None
    margin_type: str | None = None

    @property
    def side(self) -> int:
        """1 long, -1 short, 0 flat."""
        return (self.size_base > 0) - (self.size_base < 0)


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """An order in the paper account's book.

    `seen_price`, `seen_high` and `seen_low` are the last price and the extremes that the bar in which it was placed
    had by then: what came before an order does not fill it. Of a pair both have the same `pair_id`.
    """

    number: int
    client_id: str
    symbol: str
    side: int
    kind: OrderKind
    size_base: float
    filled_base: float
    price: float | None
    average_price: float | None
    is_reduce_only: bool
    status: OrderStatus
    placed_ms: int
    updated_ms: int
    seen_price: float
    seen_high: float
    seen_low: float
    pair_id: int | None = None

    @property
    def left_base(self) -> float:
        """What is still to be filled."""
        return self.size_base - self.filled_base

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Self:
        """From a row of the table."""
        values = dict(zip((one.name for one in fields(cls)), row, strict=True))
        return cls(**values | {"is_reduce_only": bool(values["is_reduce_only"])})

    def told(self) -> VenueOrder:
        """As the venue tells it."""
        return VenueOrder(
            client_id=self.client_id,
            symbol=self.symbol,
            side=self.side,
            kind=self.kind,
            size_base=self.size_base,
            filled_base=self.filled_base,
            price=self.price,
            average_price=self.average_price,
            is_reduce_only=self.is_reduce_only,
            status=self.status,
            updated_ms=self.updated_ms,
        )


class PaperBook:
    """The books of one paper account in an SQLite file, or in memory (":memory:"); nothing is kept anywhere else."""

    def __init__(self, path: Path | str, cash_quote: float) -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        with self.change():
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            if "fee_base" not in {name for _, name, *_ in self._db.execute("PRAGMA table_info(fills)")}:
                self._db.execute("ALTER TABLE fills ADD COLUMN fee_base REAL NOT NULL DEFAULT 0")
                self._db.execute("ALTER TABLE orders ADD COLUMN pair_id INTEGER")
            begun = ("wallet", "began_with")
            self._db.executemany("INSERT OR IGNORE INTO account VALUES (?, ?)", [(name, cash_quote) for name in begun])

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Everything that is written inside is kept together, or nothing of it.

        On a disk that takes nothing it is a venue that does not answer: nothing has happened there.
        """
        trouble = ""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            trouble = str(error)
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        if trouble:
            raise VenueUnknown(f"the paper account's books cannot be written: {trouble}; nothing of it was kept")

    @property
    def wallet(self) -> float:
        """Money without what open positions are worth."""
        return self._amount("wallet")

    @property
    def began_with(self) -> float:
        """The cash that the account was opened with."""
        return self._amount("began_with")

    def set_wallet(self, amount: float) -> None:
        self._db.execute("UPDATE account SET value = ? WHERE name = 'wallet'", (amount,))

    def pay(self, amount: float) -> None:
        """Take it out of the wallet, or put it in where it is negative."""
        self._db.execute("UPDATE account SET value = value - ? WHERE name = 'wallet'", (amount,))

    def holding(self, symbol: str) -> PaperHolding:
        row = self._db.execute("SELECT * FROM symbols WHERE symbol = ?", (symbol,)).fetchone()
        return PaperHolding(*row) if row else PaperHolding(symbol)

    def keep(self, holding: PaperHolding) -> None:
        """Write it in the place of what was known of its symbol."""
        values = [getattr(holding, one.name) for one in fields(holding)]
        self._db.execute("INSERT OR REPLACE INTO symbols VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def held(self) -> list[PaperHolding]:
        """Those that are not flat."""
        rows = self._db.execute("SELECT * FROM symbols WHERE size_base != 0 ORDER BY symbol")
        return [PaperHolding(*row) for row in rows]

    def watched(self) -> list[str]:
        """Symbols with a position or an open order."""
        rows = self._db.execute(
            "SELECT symbol FROM symbols WHERE size_base != 0 UNION SELECT symbol FROM orders WHERE status = 'open'"
        )
        return [symbol for (symbol,) in rows]

    def open_orders(self, symbol: str | None = None) -> list[PaperOrder]:
        """In the order in which they were placed."""
        rows = self._db.execute(
            "SELECT * FROM orders WHERE status = 'open' AND symbol = COALESCE(?, symbol) ORDER BY number", (symbol,)
        )
        return [PaperOrder.of(row) for row in rows]

    def order(self, symbol: str, client_id: str) -> PaperOrder | None:
        """The one that was placed last under that id."""
        row = self._db.execute(
            "SELECT * FROM orders WHERE symbol = ? AND client_id = ? ORDER BY number DESC LIMIT 1", (symbol, client_id)
        ).fetchone()
        return PaperOrder.of(row) if row else None

    def next_number(self) -> int:
        row = self._db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM orders").fetchone()
        return int(row[0])

    def write(self, order: PaperOrder) -> None:
        """Add an order, or write it anew."""
        values = [getattr(order, one.name) for one in fields(order)]
        self._db.execute(f"INSERT OR REPLACE INTO orders VALUES ({', '.join('?' * len(values))})", values)

    def add_fill(self, fill: Fill, slippage_quote: float) -> None:
        """Its trade id is given here; `fee_quote` has the slippage in it, which is also kept apart."""
        self._db.execute(
            "INSERT INTO fills VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fill.client_id,
                fill.symbol,
                fill.side,
                fill.size_base,
                fill.price,
                fill.fee_quote,
                slippage_quote,
                fill.realised_quote,
                fill.is_maker,
                fill.ts_ms,
                fill.fee_base,
            ),
        )

    def fills(self, symbol: str, start_ms: int) -> list[Fill]:
        """From `start_ms` on, in order."""
        rows = self._db.execute(
            "SELECT 'paper-' || number, client_id, symbol, side, size_base, price, fee_quote, realised_quote, "
            "is_maker, ts_ms, fee_base FROM fills WHERE symbol = ? AND ts_ms >= ? ORDER BY ts_ms, number",
            (symbol, start_ms),
        )
        told = [(*row[:-3], bool(row[-3]), *row[-2:]) for row in rows]
        return [Fill(*one) for one in told]

    @property
    def n_fills(self) -> int:
        """How many there were so far."""
        return int(self._db.execute("SELECT COALESCE(MAX(number), 0) FROM fills").fetchone()[0])

    def filled_since(self, n_fills: int) -> list[str]:
        """Symbols that were filled after so many fills."""
        return [one for (one,) in self._db.execute("SELECT DISTINCT symbol FROM fills WHERE number > ?", (n_fills,))]

    def slippage_of(self, trade_id: str) -> float:
        """What of a fill's fee is slippage: the paper account charges it beside the fee, as simulations do."""
        number = int(trade_id.removeprefix("paper-"))
        return float(self._db.execute("SELECT slippage_quote FROM fills WHERE number = ?", (number,)).fetchone()[0])

    def size_before(self, symbol: str, when_ms: int) -> float:
        """What was held when that moment came: everything that was filled before it."""
        row = self._db.execute(
            "SELECT COALESCE(SUM(side * size_base), 0) FROM fills WHERE symbol = ? AND ts_ms < ?", (symbol, when_ms)
        ).fetchone()
        return float(row[0])

    def last_fill_ms(self, symbol: str) -> int:
        """When the symbol was last filled, 0 where it never was."""
        row = self._db.execute("SELECT COALESCE(MAX(ts_ms), 0) FROM fills WHERE symbol = ?", (symbol,)).fetchone()
        return int(row[0])

    def add_payment(self, symbol: str, paid_quote: float, ts_ms: int) -> None:
        self._db.execute("INSERT INTO funding VALUES (NULL, ?, ?, ?)", (symbol, paid_quote, ts_ms))

    def payments(self, start_ms: int) -> list[FundingPayment]:
        """From `start_ms` on, in order."""
        rows = self._db.execute(
            "SELECT number, symbol, paid_quote, ts_ms FROM funding WHERE ts_ms >= ? ORDER BY ts_ms, number", (start_ms,)
        )
        return [FundingPayment(f"paper-{number}", *rest) for number, *rest in rows]

    def _amount(self, name: str) -> float:
        return float(self._db.execute("SELECT value FROM account WHERE name = ?", (name,)).fetchone()[0])
