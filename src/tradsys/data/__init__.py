"""Where bars come from: files, the embedded sample and simulated markets, cleaned and with a report of every repair."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.data.load import load_bars as load_bars
    from tradsys.data.market import Market as Market
    from tradsys.data.market import load_market as load_market
    from tradsys.data.repairs import Repair as Repair

__getattr__, __dir__, __all__ = attach(__name__, __file__)
