"""What a run's regimes are called on its page."""

import polars as pl

from tradsys.profiles.regime_names import regime_names

USUAL = 3


def named_regimes(forecasts: pl.DataFrame) -> tuple[str, ...]:
    """Names by state; a run's forecasts hold a probability of each, those of schema 1 perhaps none."""
    n_states = sum(name.startswith("regime_") for name in forecasts.columns)
    return regime_names(n_states or USUAL)
