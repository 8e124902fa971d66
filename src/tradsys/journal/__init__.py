"""What was tried: the ledger of every trial ever scored, its stored series, and the folders of finished runs."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.journal.book import MarketBook, read_book
    from tradsys.journal.ledger import Earlier, Entry, Ledger
    from tradsys.journal.runs import RunFolder, find_run
    from tradsys.journal.trial import TrialSeries

__all__ = ["Earlier", "Entry", "Ledger", "MarketBook", "RunFolder", "TrialSeries", "find_run", "read_book"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Earlier": "ledger",
        "Entry": "ledger",
        "Ledger": "ledger",
        "MarketBook": "book",
        "RunFolder": "runs",
        "TrialSeries": "trial",
        "find_run": "runs",
        "read_book": "book",
    },
)
