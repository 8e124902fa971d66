"""What every feature must keep to, whatever columns it reads."""

import numpy as np
import polars as pl

from tradsys.features.feature import Feature

OTHER_PRICES = (pl.col("open", "high", "low", "close") * 1.5, pl.col("volume") * 7 + 1)
"""A future unlike the one that came."""


def check_future_leaves_the_past_alone(feature: Feature, bars: pl.DataFrame, *changes: pl.Expr) -> None:
    """Neither other prices and other columns from a row on, nor none at all, change a bit before it."""
    cut = 2 * len(bars) // 3 + 1
    other = bars[cut:].with_columns(*OTHER_PRICES, *changes)
    before = feature.compute(bars)[:cut]
    assert feature.compute(pl.concat([bars[:cut], other]))[:cut].tobytes() == before.tobytes()
    assert feature.compute(bars[:cut]).tobytes() == before.tobytes()


def check_lookback_is_enough(feature: Feature, bars: pl.DataFrame) -> None:
    """The last `lookback` bars alone give the row that the whole history gives."""
    batch = feature.compute(bars)
    for row in np.linspace(feature.lookback - 1, len(bars) - 1, 40).astype(int):
        last = feature.compute(bars[row - feature.lookback + 1 : row + 1])[-1]
        np.testing.assert_allclose(last, batch[row], rtol=0, atol=1e-9)
