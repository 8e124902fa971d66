"""The part of a history that tuning may see: what every outer fold trains on, and nothing of any test block.

One configuration comes out of a study and is then tested on all outer blocks, so that only the first training part
is inside the training part of each of them. The bars after it are cut off before anything else happens.
"""

from dataclasses import replace

import polars as pl

from tradsys.core.errors import NotEnoughBars
from tradsys.core.time import interval_ms, ts_ms
from tradsys.data.market import Market
from tradsys.research.walk.experiment import lockbox_opens
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig


def tuning_part(market: Market, config: RunConfig, longest_horizon: int) -> Market:
    """The market up to the earliest time at which a first test block could open under any horizon up to the longest."""
    opens = _first_test_opens(market, config, longest_horizon)
    step = interval_ms(market.interval)
    return replace(market, bars=market.bars.filter(pl.col("ts").dt.epoch("ms") + step <= opens))


def _first_test_opens(market: Market, config: RunConfig, horizon: int) -> int:
    """When the first block opens, ms: its time depends on the last label's, hence on the horizon (`walk_forward`)."""
    before = market.bars.filter(pl.col("ts") < lockbox_opens(market.bars, config.folds.lockbox))
    barriers = replace(experiment_from(config).barriers, horizon=horizon)
    first, last = [], []
    for frame in replace(market, bars=before).frames().values():
        rows = barriers.event_rows(frame)
        rows = rows[rows + horizon < len(frame)]
        if len(rows):
            closes = ts_ms(frame)[rows] + interval_ms(market.interval)
            first.append(int(closes[0]))
            last.append(int(closes[-1]))
    if not first:
        raise NotEnoughBars(
            f"tuning needs bars with {horizon} more after them before the lock-box, found none in {len(before):,} "
            "bars; load more history or bound labels.horizon with --over"
        )
    share = config.folds.initial / (1 - config.folds.lockbox)
    return int(min(first) + share * (max(last) - min(first)))
