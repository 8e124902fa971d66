"""Labels: events, barriers, and how much evidence of its own each label carries."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.labels.barrier_spec import BarrierSpec
    from tradsys.labels.barriers import triple_barrier
    from tradsys.labels.bootstrap import draw_probabilities, sequential_bootstrap
    from tradsys.labels.events import cusum, every_bar
    from tradsys.labels.expansion import volatility_expansion
    from tradsys.labels.uniqueness import average_uniqueness, effective_sample_size
    from tradsys.labels.weights import return_attribution, time_decay

__all__ = [
    "BarrierSpec",
    "average_uniqueness",
    "cusum",
    "draw_probabilities",
    "effective_sample_size",
    "every_bar",
    "return_attribution",
    "sequential_bootstrap",
    "time_decay",
    "triple_barrier",
    "volatility_expansion",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "BarrierSpec": "barrier_spec",
        "average_uniqueness": "uniqueness",
        "cusum": "events",
        "draw_probabilities": "bootstrap",
        "effective_sample_size": "uniqueness",
        "every_bar": "events",
        "return_attribution": "weights",
        "sequential_bootstrap": "bootstrap",
        "time_decay": "weights",
        "triple_barrier": "barriers",
        "volatility_expansion": "expansion",
    },
)
