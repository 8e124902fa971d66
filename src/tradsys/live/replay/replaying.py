"""The replay of an account: its bars decided again by the same bundle, simulated, and held against what it lived."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from tradsys.backtest.margin_spec import MarginSpec
from tradsys.backtest.simulate import PortfolioSpec, Simulation, simulate
from tradsys.bundle.deployment import Deployment
from tradsys.core.costs import Instrument
from tradsys.core.errors import NotEnoughBars
from tradsys.core.time import stamp, ts_ms
from tradsys.live.execution.intent import MISSED
from tradsys.live.outside.pool import n_bars_needed, pool_of
from tradsys.live.replay.gap import ResultGap, SimulatedTrade, gap_lines, summed, trade_gap
from tradsys.live.replay.learned import LearnedCost, learned_costs
from tradsys.live.replay.lived import LivedTrade
from tradsys.live.replay.parity import CAUSES, Cause, ComparedTrade, paired
from tradsys.predictor.predictor import Predictor


@dataclass(frozen=True, slots=True)
class ReplayedTrade:
    """One decision that the simulation acted on, or the account, or both; a missed limit order is no trade of it."""

    symbol: str
    decided_ms: int
    cause: Cause
    simulated: SimulatedTrade | None
    lived: LivedTrade | None
    gap: ResultGap


@dataclass(frozen=True, slots=True)
class AccountReplay:
    """What a replay found. `revised` are symbols and closes whose bar is another now than the one that was decided.

    `missing` says in words, by symbol, which bars of that time nobody had. `missed` are the limit orders that nobody
    filled, of the account and of the simulation.
    """

    trades: tuple[ReplayedTrade, ...]
    learned: tuple[LearnedCost, ...]
    revised: tuple[tuple[str, int], ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    missed: tuple[int, int] = (0, 0)

    @property
    def gap(self) -> ResultGap:
        """The account's result less the simulation's, in parts."""
        return summed(one.gap for one in self.trades)

    @property
    def causes(self) -> Counter[Cause]:
        """How many decisions came out alike, and why the others did not."""
        return Counter(one.cause for one in self.trades)

    @property
    def lived_quote(self) -> float:
        return sum(one.lived.result_quote for one in self.trades if one.lived)

    @property
    def simulated_quote(self) -> float:
        return sum(one.simulated.pnl_quote for one in self.trades if one.simulated)

    @property
    def lines(self) -> list[str]:
        """For a person: the results, the gap by part, the causes in words, and the costs to set."""
        return [
            f"the account made {self.lived_quote:,.2f}, the simulation {self.simulated_quote:,.2f}: "
            f"a gap of {self.gap.total:+,.2f} (n = {len(self.trades):,} decisions)",
            *gap_lines(self.gap, self.causes, CAUSES),
            *self._missed_line,
            *([f"  {len(self.revised):,} bars were revised since they were decided on"] if self.revised else []),
            *(f"  careful: {symbol} lacks {what}" for symbol, what in self.missing.items()),
            *(f"  {one.sentence}" for one in self.learned),
        ]

    @property
    def counts(self) -> dict[str, int]:
        """What is told beside the gap, by name; limit orders that nobody filled where there were any."""
        account, simulation = self.missed
        unfilled = {"n_missed": account, "n_missed_simulated": simulation} if account or simulation else {}
        return {"n_revised": len(self.revised)} | unfilled

    @property
    def _missed_line(self) -> list[str]:
        account, simulation = self.missed
        if not account and not simulation:
            return []
        return [f"  limit orders that nobody filled: {account:,} of the account, {simulation:,} of the simulation"]


def replay(
    lived: Sequence[LivedTrade],
    predictor: Predictor,
    market: Mapping[str, pl.DataFrame],
    deployment: Deployment,
    *,
    start_ms: int,
    end_ms: int,
    instruments: Instrument | Mapping[str, Instrument] = Instrument(),
    margin: MarginSpec = MarginSpec(),
    denied: Sequence[tuple[str, int]] = (),
    unfilled: Sequence[ComparedTrade] = (),
) -> AccountReplay:
    """Decide and simulate the closes in [start_ms, end_ms) again, and hold the account's trades against it.

    `market` has a frame of closed bars a symbol, with as many before the start as a bot needs, and columns from outside
    where the bundle needs them, but for ranks of the symbols, which are made here. Trades that were decided before the
    start, or that had not ended by the end in either, are left out of both. `denied` are entries that the account
    wanted and did not get, `unfilled` its limit orders that nobody filled (`unfilled_orders`).
    """
    _refuse_short(n_bars_needed(predictor, deployment), market, start_ms)
    pool = pool_of(deployment)
    ranked = market if pool is None else pool.join(market)
    bars = pl.concat([frame.with_columns(symbol=pl.lit(symbol)) for symbol, frame in ranked.items()])
    decided = predictor.decide_many(bars, now=end_ms)
    close = pl.col("start").dt.epoch("ms")
    decided = decided.filter((close >= start_ms) & (close < end_ms))
    portfolio = deployment.portfolio
    simulation = simulate(
        market,
        decided,
        costs=deployment.costs,
        start=start_ms,
        end=end_ms,
        instrument=instruments,
        portfolio=PortfolioSpec(
            portfolio.fraction, portfolio.cap, portfolio.cash_quote, margin=margin, entry=portfolio.entry
        ),
    )
    longest = max(decided["horizon"].to_list(), default=0)
    last_ms = end_ms - longest * deployment.interval_ms
    within = [one for one in lived if start_ms <= one.decided_ms < last_ms]
    rested = [one for one in unfilled if start_ms <= one.decided_ms < last_ms]
    found = hold_against(simulation, within, market, before_ms=last_ms, denied=denied, unfilled=rested)
    return AccountReplay(
        tuple(found),
        tuple(learned_costs(lived)),
        tuple(_revised(decided, within)),
        missed=(sum(one.reason == MISSED for one in rested), len(missed_orders(simulation, last_ms))),
    )


def hold_against(
    simulation: Simulation,
    lived: Sequence[LivedTrade],
    market: Mapping[str, pl.DataFrame],
    *,
    before_ms: int,
    denied: Sequence[tuple[str, int]] = (),
    unfilled: Sequence[ComparedTrade] = (),
) -> list[ReplayedTrade]:
    """Each decision before `before_ms` that either acted on, with its cause and its part of the gap."""
    rests = simulation.entry is not None
    opens = {
        symbol: dict(zip(ts_ms(frame).tolist(), frame["open"].to_list(), strict=True))
        for symbol, frame in market.items()
    }
    rows = [
        SimulatedTrade.of(row, opens[row["symbol"]].get(round(row["exit_ts"].timestamp() * 1_000)), rests=rests)
        for row in simulation.trades.iter_rows(named=True)
    ]
    batch = {(one.symbol, one.decided_ms): one for one in rows if one.decided_ms < before_ms}
    account = {(one.symbol, one.decided_ms): one for one in lived}
    pairs = paired(
        [*(_compared(one) for one in batch.values()), *missed_orders(simulation, before_ms)],
        [*(one.compared for one in lived), *unfilled],
        denied=denied,
    )
    found = []
    for pair in pairs:
        acted = pair.batch or pair.session
        assert acted is not None  # one of them acted
        key = (acted.symbol, acted.decided_ms)
        one, other = batch.get(key), account.get(key)
        found.append(ReplayedTrade(*key, pair.cause, one, other, trade_gap(one, other, pair.cause)))
    return found


def missed_orders(simulation: Simulation, before_ms: int) -> list[ComparedTrade]:
    """Limit orders of the batch that nobody filled, decided before a time."""
    if simulation.entry is None or simulation.missed is None:
        return []
    rested_ms = simulation.entry.bars * simulation.bar_ms
    rows = simulation.missed.select("symbol", pl.col("decided").dt.epoch("ms"), "side").iter_rows()
    return [
        ComparedTrade.unfilled(symbol, decided_ms, side, decided_ms + rested_ms, MISSED)
        for symbol, decided_ms, side in rows
        if decided_ms < before_ms
    ]


def _compared(one: SimulatedTrade) -> ComparedTrade:
    return ComparedTrade(
        one.symbol,
        one.decided_ms,
        one.side,
        one.entry_price,
        one.exit_ms,
        one.exit_price,
        one.reason,
        one.is_ambiguous,
        one.is_within_bar,
    )


def _revised(decided: pl.DataFrame, lived: Sequence[LivedTrade]) -> list[tuple[str, int]]:
    """Trades whose deciding bar has other values now."""
    closes = decided["start"].dt.epoch("ms").to_list()
    now = dict(zip(zip(decided["symbol"].to_list(), closes, strict=True), decided["bar_hash"].to_list(), strict=True))
    keys = {(one.symbol, one.decided_ms): one.bar_hash for one in lived if one.bar_hash}
    return [key for key, known in keys.items() if now.get(key, known) != known]


def _refuse_short(n_needed: int, market: Mapping[str, pl.DataFrame], start_ms: int) -> None:
    for symbol, frame in market.items():
        n_before = int((ts_ms(frame) < start_ms).sum())
        if n_before < n_needed:
            raise NotEnoughBars(
                f"a replay from {stamp(start_ms)} needs {n_needed} bars of {symbol} before it, found "
                f"{n_before}; load earlier history"
            )
