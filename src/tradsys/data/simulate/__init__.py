"""Seeded markets whose truth is known: what the whole flow is calibrated against."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.data.simulate.market import known_signal as known_signal
    from tradsys.data.simulate.market import known_states as known_states
    from tradsys.data.simulate.market import simulate as simulate
    from tradsys.data.simulate.market import simulate_symbols as simulate_symbols
    from tradsys.data.simulate.market import simulate_universe as simulate_universe
    from tradsys.data.simulate.market import tradable_prices as tradable_prices
    from tradsys.data.simulate.recipes import Recipe as Recipe
    from tradsys.data.simulate.recipes import parse_recipe as parse_recipe

__getattr__, __dir__, __all__ = attach(__name__, __file__)
