"""Labels: events, barriers, and how much evidence of its own each label carries."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.labels.barriers import BarrierSpec as BarrierSpec
    from tradsys.labels.barriers import cusum as cusum
    from tradsys.labels.barriers import every_bar as every_bar
    from tradsys.labels.barriers import triple_barrier as triple_barrier
    from tradsys.labels.expansion import volatility_expansion as volatility_expansion
    from tradsys.labels.pace import BarrierRule as BarrierRule
    from tradsys.labels.pace import EwmaVolatility as EwmaVolatility
    from tradsys.labels.pace import WilderAtr as WilderAtr
    from tradsys.labels.registry import register_barrier_rule as register_barrier_rule
    from tradsys.labels.weights import average_uniqueness as average_uniqueness
    from tradsys.labels.weights import draw_probabilities as draw_probabilities
    from tradsys.labels.weights import effective_sample_size as effective_sample_size
    from tradsys.labels.weights import return_attribution as return_attribution
    from tradsys.labels.weights import sequential_bootstrap as sequential_bootstrap
    from tradsys.labels.weights import time_decay as time_decay

__getattr__, __dir__, __all__ = attach(__name__, __file__)
