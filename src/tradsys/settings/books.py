"""The order books that the settings name, attached to a market in one place."""

from tradsys.data.market import Market
from tradsys.data.outside.book.join import attach_books
from tradsys.data.outside.book.spec import BookFile
from tradsys.settings.config import BookSettings


def with_books(market: Market, settings: BookSettings) -> Market:
    """The market with the columns of each file of `book.files`; itself where there is none."""
    return attach_books(market, [BookFile.parse(text) for text in settings.files])
