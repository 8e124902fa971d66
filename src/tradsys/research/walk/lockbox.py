"""The deployed profile inside the lock-box: fitted on all before it, once."""

from collections.abc import Mapping

import numpy as np

from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import FloatArray
from tradsys.core.time import interval_ms, to_ms
from tradsys.data.market import Market
from tradsys.profiles.catalogue import profile_named
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import decide_fold
from tradsys.research.walk.experiment import Outcome, lockbox_opens, simulate_profile
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import fit_models
from tradsys.research.walk.folds import Fold
from tradsys.research.walk.record import Record


def simulate_lockbox(market: Market, spec: Experiment, outcome: Outcome) -> Mapping[str, Simulation]:
    """Train on all before the lock-box and simulate the deployed profile inside it, under its name."""
    data = Dataset.build(market.bars, market.interval, spec.barriers, spec.costs)
    opens = to_ms(lockbox_opens(market.bars, spec.folds.lockbox))
    embargo_ms = interval_ms(spec.embargo(market.interval))
    labels = tuple(data.labels.values())
    fold = Fold(
        index=len(outcome.results),
        train=tuple(one.is_labelled & (one.end.max(axis=1) <= opens - embargo_ms) for one in labels),
        test=tuple(one.start >= opens for one in labels),
        opens=opens,
        closes=data.closes,
    )
    record = _extended(outcome.record, outcome.data, data)
    result = decide_fold(data, spec, fit_models(data, spec, fold), record, outcome.results[0].fold.opens)
    profile = profile_named(spec.deployed, spec.profiles)
    return {profile.name: simulate_profile(data, [result], profile, spec)}


def _extended(record: Record, before: Dataset, data: Dataset) -> Record:
    """The record with room for the lock-box's rows, which follow those of each symbol, and for symbols new in it."""
    sizes = tuple(map(len, data.frames.values()))

    def room_for_all(held: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
        so_far = dict(zip(before.symbols, held, strict=True))
        grown = tuple(np.full((n, 2), np.nan) for n in sizes)
        for values, symbol in zip(grown, data.symbols, strict=True):
            if symbol in so_far:
                values[: len(so_far[symbol])] = so_far[symbol]
        return grown

    return Record(sizes, {name: room_for_all(held) for name, held in record.log_odds.items()})
