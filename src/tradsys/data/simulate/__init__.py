"""Seeded markets whose truth is known: what the whole flow is calibrated against."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.data.simulate.market import known_signal, known_states, simulate
    from tradsys.data.simulate.recipes import Recipe, parse_recipe
    from tradsys.data.simulate.universe import simulate_universe

__all__ = ["Recipe", "known_signal", "known_states", "parse_recipe", "simulate", "simulate_universe"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Recipe": "recipes",
        "known_signal": "market",
        "known_states": "market",
        "parse_recipe": "recipes",
        "simulate": "market",
        "simulate_universe": "universe",
    },
)
