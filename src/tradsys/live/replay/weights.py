"""The replay of an account of target weights: its choices made again, and its stretches held against the batch's."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.bundle.deployment import Deployment
from tradsys.core.costs import Instrument
from tradsys.core.errors import NotEnoughBars
from tradsys.core.time import stamp, to_ms, ts_ms
from tradsys.live.execution.aims import REBALANCED
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.trade_rows import trade_row
from tradsys.live.intents import IntentJournal
from tradsys.live.replay.gap import ResultGap, summed
from tradsys.live.replay.learned import LearnedCost
from tradsys.live.replay.lived import ChargedSlippage
from tradsys.predictor.rank_decider import RankDecider

type WeightCause = Literal[
    "same", "stopped", "forced", "late", "not_entered", "too_small", "other_side", "not_decided", "unexplained"
]
WEIGHT_CAUSES: Final[Mapping[WeightCause, str]] = {
    "same": "begun and ended by the same choices, on the same side",
    "stopped": "its stop at the venue ended it, which the batch has not, or it is back after that",
    "forced": "a person, a limit, somebody else or the venue ended it, or it is back after that",
    "late": "the account took the choice a bar later, or missed it and only shrank",
    "not_entered": "the session denied it, or the venue refused it; the audit log says why",
    "too_small": "one of them found the change smaller than an order may be: sized at the close, filled at the open",
    "other_side": "both held it, on opposite sides",
    "not_decided": "the batch chose otherwise: other bars, or another bundle",
    "unexplained": "none of the known ways to differ",
}
"""What each code means."""


@dataclass(frozen=True, slots=True)
class HeldStretch:
    """A symbol held on one side, from the choice that began it; money is in quote, `end_ms` None while it goes on."""

    symbol: str
    side: int
    choice_ms: int
    begun_ms: int
    end_ms: int | None
    reason: str
    fees_quote: float
    slippage_quote: float
    carry_quote: float
    result_quote: float


@dataclass(frozen=True, slots=True)
class ReplayedStretch:
    """One stretch of the batch, of the account, or of both."""

    symbol: str
    choice_ms: int
    cause: WeightCause
    simulated: HeldStretch | None
    lived: HeldStretch | None

    @property
    def gap(self) -> ResultGap:
        """The account's result less the batch's; `signal` where they did otherwise, `latency` where the same."""
        one, other = self.lived, self.simulated
        total = (one.result_quote if one else 0.0) - (other.result_quote if other else 0.0)
        if one is None or other is None or self.cause == "other_side":
            return ResultGap(signal=total)
        fee, slippage = other.fees_quote - one.fees_quote, other.slippage_quote - one.slippage_quote
        funding = other.carry_quote - one.carry_quote
        rest = total - fee - slippage - funding
        is_same = self.cause == "same"
        return ResultGap(
            signal=0.0 if is_same else rest,
            latency=rest if is_same else 0.0,
            fee=fee,
            slippage=slippage,
            funding=funding,
        )


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
        parts = ", ".join(f"{name.replace('_', ' ')} {amount:+,.2f}" for name, amount in self.gap.parts.items())
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
            f"  {parts}",
            *(f"  {n:,} {cause}: {WEIGHT_CAUSES[cause]}" for cause, n in self.causes.most_common()),
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
        batch = [_simulated(row) for row in simulation.trades.iter_rows(named=True)]
        within = [one for one in lived if due[0] <= one.choice_ms < end_ms]
        late = {int(one["choice_ms"]) for one in aimed if int(one["close_ms"]) > int(one["choice_ms"])}
        bad = {(symbol, ms) for symbol, ms, _, _ in others}
        found = _paired(batch, within, set(denied), late | (set(due) - taken), bad, deployment.interval_ms)
    return WeightsReplay(tuple(found), len(told), tuple(others), tuple(ms for ms in due if ms not in taken))


def lived_stretches(
    journal: IntentJournal, *, now_ms: int, charged: ChargedSlippage = lambda fill: 0.0
) -> list[HeldStretch]:
    """What target weights held, in order, those that go on included."""
    prefixes = ExecutionRules("replay").liquidation_prefixes
    found = []
    for trade in journal.trades():
        row = trade_row(journal, trade, prefixes, now_ms)
        if row is None or trade.origin != "target":
            continue
        slippage = sum(charged(fill) for fill in journal.fills(trade.key))
        found.append(
            HeldStretch(
                trade.symbol, trade.side, int(json.loads(trade.decision)["choice_ms"]), int(row["entry_ms"]),
                row["exit_ms"], str(row["exit_reason"] or ""), row["fees_quote"] - slippage, slippage,
                row["funding_quote"], row["result_quote"],
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (one.choice_ms, one.symbol))


def _simulated(row: Mapping[str, Any]) -> HeldStretch:
    """Of the batch; one that its last bar ended would have gone on."""
    is_over = row["reason"] == "rebalanced"
    return HeldStretch(
        row["symbol"], row["side"], to_ms(row["decided"]), to_ms(row["entry_ts"]),
        to_ms(row["exit_ts"]) if is_over else None, REBALANCED if is_over else row["reason"], row["fees_quote"],
        row["slippage_quote"], row["funding_quote"] + row["borrow_quote"], row["pnl_quote"],
    )  # fmt: skip


def _paired(
    batch: Sequence[HeldStretch],
    lived: Sequence[HeldStretch],
    denied: set[tuple[str, int]],
    late: set[int],
    other_weights: set[tuple[str, int]],
    interval_ms: int,
) -> list[ReplayedStretch]:
    """Each symbol's stretches by the choice that began them, with causes; those that go on in both are left out."""
    ours, theirs = ({(one.symbol, one.choice_ms): one for one in each} for each in (batch, lived))
    found, before = list[ReplayedStretch](), dict[str, WeightCause]()
    for key in sorted({*ours, *theirs}, key=lambda one: (one[1], one[0])):
        one, other = ours.get(key), theirs.get(key)
        if key in other_weights:
            cause: WeightCause = "not_decided"
        elif one is not None and other is not None:
            cause = _cause(one, other, late, interval_ms)
        elif any((key[0], key[1] + late_ms) in denied for late_ms in (0, interval_ms)):
            cause = "not_entered"
        elif key[1] in late:
            cause = "late"
        else:
            cause = before.get(key[0], "unexplained")
        before[key[0]] = "unexplained" if cause == "same" else cause
        if one is not None and other is not None and one.end_ms is None and other.end_ms is None and cause == "same":
            continue
        found.append(ReplayedStretch(*key, cause, one, other))
    return found


def _cause(batch: HeldStretch, lived: HeldStretch, late: set[int], interval_ms: int) -> WeightCause:
    if batch.side != lived.side:
        return "other_side"
    if lived.end_ms is not None and lived.reason != REBALANCED:
        return "stopped" if lived.reason == "stop" else "forced"
    if batch.end_ms is None or lived.end_ms is None:
        return "same" if batch.end_ms is lived.end_ms else "late"
    after_ms = lived.end_ms - batch.end_ms
    if lived.choice_ms in late or batch.end_ms in late:
        return "late"
    if 0 <= after_ms < interval_ms:
        return "same"
    return "too_small"


def _refuse_short(n_needed: int, market: Mapping[str, pl.DataFrame], start_ms: int) -> None:
    n_most = max((int((ts_ms(frame) < start_ms).sum()) for frame in market.values()), default=0)
    if n_most < n_needed:
        raise NotEnoughBars(
            f"a replay from {stamp(start_ms)} needs {n_needed} bars before it, found {n_most}; load earlier history"
        )
