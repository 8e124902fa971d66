"""Decisions as a portfolio: simulated trades, their metrics, and second opinions on both.

`simulate` itself comes from `tradsys.backtest.simulate`: a package cannot lazily offer a name that its module has too.
"""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.backtest.metrics import Measured as Measured
    from tradsys.backtest.metrics import measure as measure
    from tradsys.backtest.simulate import PortfolioSpec as PortfolioSpec
    from tradsys.backtest.simulate import Simulation as Simulation
    from tradsys.backtest.simulate import buy_and_hold as buy_and_hold

__getattr__, __dir__, __all__ = attach(__name__, __file__)
