"""Market states: a hidden Markov model that is fitted on the past and read by the forward filter alone."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.regimes.filter import forward_filter as forward_filter
    from tradsys.regimes.fitted import FittedRegimes as FittedRegimes
    from tradsys.regimes.markov import FittedRegimeFilter as FittedRegimeFilter
    from tradsys.regimes.markov import RegimeSpec as RegimeSpec
    from tradsys.regimes.model import RegimeModel as RegimeModel
    from tradsys.regimes.momentum import RegimeMomentum as RegimeMomentum
    from tradsys.regimes.volatility import VolatilityRegimes as VolatilityRegimes

__getattr__, __dir__, __all__ = attach(__name__, __file__)
