"""Decisions as a portfolio: simulated trades, their metrics, and second opinions on both.

`simulate` itself comes from `tradsys.backtest.simulate`: a package cannot lazily offer a name that its module has too.
"""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.backtest.metrics import Measured, measure
    from tradsys.backtest.portfolio import PortfolioSpec
    from tradsys.backtest.simulate import Simulation, buy_and_hold

__all__ = ["Measured", "PortfolioSpec", "Simulation", "buy_and_hold", "measure"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Measured": "metrics",
        "PortfolioSpec": "portfolio",
        "Simulation": "simulate",
        "buy_and_hold": "simulate",
        "measure": "metrics",
    },
)
