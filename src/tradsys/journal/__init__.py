"""What was tried: the ledger of every trial ever scored, and its stored series."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.journal.book import MarketBook, read_book
    from tradsys.journal.ledger import Earlier, Ledger, LedgerEntry
    from tradsys.journal.trial import TrialSeries

__all__ = ["Earlier", "Ledger", "LedgerEntry", "MarketBook", "TrialSeries", "read_book"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Earlier": "ledger",
        "LedgerEntry": "ledger",
        "Ledger": "ledger",
        "MarketBook": "book",
        "TrialSeries": "trial",
        "read_book": "book",
    },
)
