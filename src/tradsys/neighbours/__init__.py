"""What other programs are given of a run or a bundle: MLflow, freqtrade, vectorbt, NautilusTrader."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.neighbours.engines import nautilus_engine as nautilus_engine
    from tradsys.neighbours.engines import vectorbt_portfolio as vectorbt_portfolio
    from tradsys.neighbours.freqtrade import export_freqtrade as export_freqtrade
    from tradsys.neighbours.tracked_run import TrackedRun as TrackedRun
    from tradsys.neighbours.tracked_run import as_tracked as as_tracked
    from tradsys.neighbours.tracking import track as track

__getattr__, __dir__, __all__ = attach(__name__, __file__)
