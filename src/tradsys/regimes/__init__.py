"""Market states: a hidden Markov model that is fitted on the past and read by the forward filter alone."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.regimes.filter import forward_filter
    from tradsys.regimes.fitted import FittedRegimes
    from tradsys.regimes.markov import FittedRegimeFilter, RegimeSpec
    from tradsys.regimes.model import RegimeModel
    from tradsys.regimes.momentum import RegimeMomentum
    from tradsys.regimes.volatility import VolatilityRegimes

__all__ = [
    "FittedRegimeFilter",
    "FittedRegimes",
    "RegimeModel",
    "RegimeMomentum",
    "RegimeSpec",
    "VolatilityRegimes",
    "forward_filter",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "FittedRegimeFilter": "markov",
        "FittedRegimes": "fitted",
        "RegimeModel": "model",
        "RegimeMomentum": "momentum",
        "RegimeSpec": "markov",
        "VolatilityRegimes": "volatility",
        "forward_filter": "filter",
    },
)
