"""The history without its lock-box: when that opens, and the labelled bars before it."""

from datetime import datetime, timedelta
from typing import cast

import polars as pl

from tradsys.core.errors import NotEnoughBars
from tradsys.data.market import Market
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment


def development_data(market: Market, spec: Experiment) -> Dataset:
    """The history without its lock-box, labelled."""
    bars = market.bars.filter(pl.col("ts") < lockbox_opens(market.bars, spec.folds.lockbox))
    return Dataset.build(bars, market.interval, spec.barriers, spec.costs)


def lockbox_opens(bars: pl.DataFrame, share: float) -> datetime:
    """When the lock-box opens: the last `share` of the time between the first bar and the last; of 0, after both."""
    if bars.is_empty():
        raise NotEnoughBars("an experiment needs bars, found none; check the file or the range")
    first, last = cast(datetime, bars["ts"].min()), cast(datetime, bars["ts"].max())
    return first + (last - first) * (1 - share) if share else last + timedelta(milliseconds=1)
