"""Where bars come from: files, the embedded sample and simulated markets, cleaned and with a report of every repair."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.data.load import load_bars
    from tradsys.data.market import Market, load_market
    from tradsys.data.repairs import Repair

__all__ = ["Market", "Repair", "load_bars", "load_market"]

__getattr__, __dir__ = attach(
    __name__,
    {"Market": "market", "Repair": "repairs", "load_bars": "load", "load_market": "market"},
)
