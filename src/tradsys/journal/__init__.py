"""What was tried: the ledger of every trial ever scored, and its stored series."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.journal.book import MarketBook as MarketBook
    from tradsys.journal.book import read_book as read_book
    from tradsys.journal.chain import LedgerEntry as LedgerEntry
    from tradsys.journal.ledger import Earlier as Earlier
    from tradsys.journal.ledger import Ledger as Ledger
    from tradsys.journal.trial import TrialSeries as TrialSeries

__getattr__, __dir__, __all__ = attach(__name__, __file__)
