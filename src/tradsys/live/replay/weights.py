"""The replay of an account of target weights: its choices made again, and its stretches held against the batch's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.bundle.deployment import Deployment
from tradsys.core.costs import Instrument
from tradsys.core.errors import NotEnoughBars
from tradsys.core.time import stamp, to_ms, ts_ms
from tradsys.live.replay.gap import ResultGap, gap_lines, summed
from tradsys.live.replay.learned import LearnedCost
from tradsys.live.replay.stretches import (
    WEIGHT_CAUSES,
    HeldStretch,
    ReplayedStretch,
    WeightCause,
    paired_stretches,
    simulated_stretch,
)
from tradsys.predictor.rank_decider import RankDecider


@dataclass(frozen=True, slots=True)
class WeightsReplay:
    """What a replay found: every choice of every symbol, and every stretch that is over in both.

    `n_weights` are weights that were aimed at, `other_weights` those of them that the batch chose otherwise: symbol,
    choice, and both weights. `missed` are choices that the account never took, `missing` which bars nobody had.
    """

    stretches: tuple[ReplayedStretch, ...]
    n_weights: int
    other_weights: tuple[tuple[str, int, float, float], ...]
    missed: tuple[int, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    learned: tuple[LearnedCost, ...] = ()

    @property
    def revised(self) -> tuple[tuple[str, int], ...]:
        """Symbols and choices whose weight is another now than the one that was aimed at."""
        return tuple((symbol, choice_ms) for symbol, choice_ms, _, _ in self.other_weights)

    @property
    def counts(self) -> dict[str, int]:
        """What is told beside the gap, by name."""
        return {"n_revised": len(self.revised)}

    @property
    def gap(self) -> ResultGap:
        """The account's result less the simulation's, in parts."""
        return summed(one.gap for one in self.stretches)

    @property
    def causes(self) -> Counter[WeightCause]:
        """How many stretches came out alike, and why the others did not."""
        return Counter(one.cause for one in self.stretches)

    @property
    def lived_quote(self) -> float:
        return sum(one.lived.result_quote for one in self.stretches if one.lived)

    @property
    def simulated_quote(self) -> float:
        return sum(one.simulated.result_quote for one in self.stretches if one.simulated)

    @property
    def lines(self) -> list[str]:
        """For a person: the weights, the results, the gap by part, and the causes in words."""
        alike = self.n_weights - len(self.other_weights)
        first = [
            f"{name} at {stamp(ms)} {one:+.2%} here, {other:+.2%} again" for name, ms, one, other in self.other_weights
        ]
        return [
            f"the account aimed at {alike:,} of {self.n_weights:,} weights as they are chosen again from its bars",
            *(f"  otherwise: {one}" for one in first[:3]),
            *(
                [f"  {len(self.missed):,} choices were missed, the first at {stamp(self.missed[0])}"]
                if self.missed
                else []
            ),
            f"it made {self.lived_quote:,.2f}, the simulation {self.simulated_quote:,.2f}: a gap of "
            f"{self.gap.total:+,.2f} (n = {len(self.stretches):,} stretches on one side)",
            *gap_lines(self.gap, self.causes, WEIGHT_CAUSES),
            *(f"  careful: {symbol} lacks {what}" for symbol, what in self.missing.items()),
        ]


def replay_weights(
    lived: Sequence[HeldStretch],
    aimed: Sequence[Mapping[str, Any]],
    ranks: RankDecider,
    market: Mapping[str, pl.DataFrame],
    deployment: Deployment,
    *,
    start_ms: int,
    end_ms: int,
    cash_quote: float,
    instrument: Instrument = Instrument(),
    denied: Sequence[tuple[str, int]] = (),
) -> WeightsReplay:
    """Choose at the closes in [start_ms, end_ms) again, simulate, and hold the account's aims and stretches against it.

    `aimed` are the aims that the account told of, `cash_quote` its equity at the start, `denied` symbols and closes of
    what it wanted and did not get. `market` has a frame of closed bars a symbol, with `ranks.lookback` of them before
    the start of at least one.
    """
    _refuse_short(ranks.lookback, market, start_ms)
    bars = pl.concat([frame.with_columns(symbol=pl.lit(symbol)) for symbol, frame in market.items()], how="diagonal")
    chosen = {to_ms(one.start): one.weights for one in ranks.decide_many(bars, now=end_ms)}
    told = {(str(one["symbol"]), int(one["choice_ms"])): float(one["weight"]) for one in aimed}
    first_ms = min((choice_ms for _, choice_ms in told), default=end_ms)
    due = sorted(ms for ms in chosen if max(first_ms, start_ms - deployment.interval_ms) <= ms < end_ms)
    others = [
        (symbol, ms, weight, chosen.get(ms, {}).get(symbol, 0.0))
        for (symbol, ms), weight in sorted(told.items(), key=lambda one: (one[0][1], one[0][0]))
        if ms < end_ms and weight != chosen.get(ms, {}).get(symbol, 0.0)
    ]
    taken = {ms for _, ms in told}
    found: list[ReplayedStretch] = []
    if due:
        symbols = tuple(market)
        weights = np.array([[chosen[ms].get(symbol, 0.0) for symbol in symbols] for ms in due])
        simulation = simulate_targets(
            market,
            Targets(symbols, np.array(due, dtype=np.int64), weights),
            costs=deployment.costs,
            start=due[0],
            end=end_ms,
            instrument=instrument,
            cash_quote=cash_quote,
        )
        batch = [simulated_stretch(row) for row in simulation.trades.iter_rows(named=True)]
        within = [one for one in lived if due[0] <= one.choice_ms < end_ms]
        late = {int(one["choice_ms"]) for one in aimed if int(one["close_ms"]) > int(one["choice_ms"])}
        bad = {(symbol, ms) for symbol, ms, _, _ in others}
        found = paired_stretches(batch, within, set(denied), late | (set(due) - taken), bad, deployment.interval_ms)
    return WeightsReplay(tuple(found), len(told), tuple(others), tuple(ms for ms in due if ms not in taken))


def _refuse_short(n_needed: int, market: Mapping[str, pl.DataFrame], start_ms: int) -> None:
    n_most = max((int((ts_ms(frame) < start_ms).sum()) for frame in market.values()), default=0)
    if n_most < n_needed:
        raise NotEnoughBars(
            f"a replay from {stamp(start_ms)} needs {n_needed} bars before it, found {n_most}; load earlier history"
        )
