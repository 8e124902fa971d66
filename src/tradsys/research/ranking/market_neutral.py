"""The market-neutral rank profile: long the strongest, short the weakest, equal notional, on a fixed grid of time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from tradsys.backtest.block_sums import circular_block_sums, percentile_interval
from tradsys.backtest.margin_spec import MarginSpec
from tradsys.backtest.metrics import Measured
from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.backtest.simulate import PortfolioSpec, Simulation
from tradsys.core.arrays import FloatArray
from tradsys.core.bars import split_symbols
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import NotEnoughBars
from tradsys.core.identity import OUTSIDE_IDENTITY, digest
from tradsys.core.sides import SIDES, Side
from tradsys.core.time import DAY_MS, stamp, to_ms
from tradsys.core.traded import NoVolume
from tradsys.data.market import Market
from tradsys.data.panel import PricePanel
from tradsys.data.universe import Listing, Universe, UniverseSpec
from tradsys.features.universe_ranks import LEAST
from tradsys.predictor.rank_rule import RankRule
from tradsys.research.walk.lockbox import lockbox_opens
from tradsys.settings.config import RunConfig
from tradsys.settings.market import universe_of
from tradsys.settings.sections import FoldSettings
from tradsys.verdict.alpha import Benchmark
from tradsys.verdict.results import VerdictSpec

_BLOCK_MS = 10 * DAY_MS


@dataclass(frozen=True, slots=True)
class MarketNeutralSpec:
    """What `tradsys rank` tries: nothing of it is fitted, so that it has no folds, only the same time to be tested in.

    `gross` is the exposure of both sides together, as a share of equity.
    """

    rule: RankRule
    universe: UniverseSpec
    listings: Mapping[str, Listing]
    folds: FoldSettings
    costs: Costs
    instrument: Instrument
    gross: float
    cash_quote: float
    verdict: VerdictSpec
    seed: int = field(metadata=OUTSIDE_IDENTITY)
    margin: MarginSpec = MarginSpec()
    no_volume: NoVolume = "lapse"

    @property
    def profiles(self) -> tuple[RankRule, ...]:
        return (self.rule,)

    @property
    def deployed(self) -> str:
        return self.rule.name

    @property
    def sides(self) -> tuple[Side, ...]:
        """Long and short: the portfolio is market-neutral."""
        return SIDES

    @property
    def portfolio(self) -> PortfolioSpec:
        """Cash to begin with; shares of the equity are the rule's own."""
        return PortfolioSpec(cash_quote=self.cash_quote, margin=self.margin, no_volume=self.no_volume)

    @property
    def benchmark(self) -> Benchmark:
        """What the alpha is measured against: the universe, held in equal parts."""
        return "universe"

    @property
    def guard_bars(self) -> int:
        """Horizon, lookback and what choices build on: shifts nearer than twice that are not random."""
        return self.rule.horizon + self.rule.lookback + self.rule.memory

    @property
    def digest(self) -> str:
        """Hash of everything that influences a result but the seed, which the journal keeps next to it."""
        return digest(self)


def market_neutral_from(config: RunConfig) -> MarketNeutralSpec:
    """The specs that the settings describe."""
    universe, listings = universe_of(config.universe)
    return MarketNeutralSpec(
        rule=RankRule(**config.rank.model_dump()),
        universe=universe,
        listings=listings,
        folds=config.folds,
        costs=Costs(**config.costs.model_dump(), tick=config.portfolio.tick),
        instrument=Instrument(config.portfolio.tick, config.portfolio.lot, config.portfolio.min_notional or 0.0),
        gross=config.portfolio.cap,
        cash_quote=config.portfolio.cash_quote,
        verdict=VerdictSpec(**config.verdict.model_dump()),
        seed=config.seed,
        margin=config.portfolio.margin,
        no_volume=config.portfolio.no_volume,
    )


def before_lockbox(market: Market, spec: MarketNeutralSpec) -> tuple[dict[str, pl.DataFrame], int, int]:
    """One frame a symbol of all before the lock-box, and the span (ms) in which the rule is traded."""
    start = to_ms(lockbox_opens(market.bars, 1.0 - spec.folds.initial))
    if not spec.folds.lockbox:
        return market.frames(), start, market.closes
    opens = lockbox_opens(market.bars, spec.folds.lockbox)
    closed = market.bars.filter(pl.col("ts") + market.interval <= opens)
    return split_symbols(closed), start, to_ms(opens)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Who could be chosen, the signal of whoever is compared and the share it would get, (n_times, n_symbols) each."""

    panel: PricePanel
    universe: Universe
    signal: FloatArray
    weights: FloatArray


def rank(frames: Mapping[str, pl.DataFrame], bar_ms: int, spec: MarketNeutralSpec) -> Ranked:
    """The universe, the signal and the shares at every close; all of it by what had closed then."""
    panel = PricePanel.of(frames, bar_ms)
    universe = spec.universe.choose(frames, bar_ms, spec.listings)
    wanted = spec.rule.wanted(panel, frames, universe.at(panel.times), spec.gross)
    return Ranked(panel, universe, wanted.signal, wanted.weights)


@dataclass(frozen=True, slots=True)
class Traded:
    """The universe, whom the rule wanted when, and what came of it in the time that was tested."""

    universe: Universe
    targets: Targets
    simulation: Simulation


def trade(frames: Mapping[str, pl.DataFrame], bar_ms: int, spec: MarketNeutralSpec, *, start: int, end: int) -> Traded:
    """Rank, choose and simulate over [start, end) ms; bars before `start` only settle what is known there.

    A decision is made at a close on the grid of `horizon` bars since 1970 and filled at the next open.
    """
    ranked = rank(frames, bar_ms, spec)
    panel, universe = ranked.panel, ranked.universe
    decides = spec.rule.is_due(panel.times, bar_ms) & (panel.times >= start) & (panel.times < end)
    weights = ranked.weights[decides]
    if not weights.any():
        raise NotEnoughBars(
            f"nobody could be ranked between {stamp(start)} and {stamp(end)}: that takes {LEAST} members of the "
            f"universe with {spec.rule.rows} bars each; pool more symbols, or load earlier history"
        )
    targets = Targets(panel.symbols, panel.times[decides], weights)
    on_time, late = (
        simulate_targets(
            frames,
            targets,
            costs=spec.costs,
            start=start,
            end=end,
            instrument=spec.instrument,
            cash_quote=spec.cash_quote,
            margin=spec.margin,
            delay=delay,
            no_volume=spec.no_volume,
        )
        for delay in (0, 1)
    )
    return Traded(universe, targets, replace(on_time, delayed=late.daily))


def spreads(traded: Traded) -> FloatArray:
    """Gross return of the longs less that of the shorts, from fill to fill of each decision with both, (n_held,).

    Each side's is the mean by the shares of its symbols. Where some could not be traded, longs and shorts are those
    that were held.
    """
    targets, simulation = traded.targets, traded.simulation
    weights = targets.weights[targets.times <= simulation.grid[-1]]
    place = np.searchsorted(simulation.grid, targets.times[: len(weights)])
    if simulation.not_taken["no volume"]:
        weights = simulation.position[:, place].T.astype(np.float64)
    returns = (simulation.opens[:, place[1:]] / simulation.opens[:, place[:-1]] - 1.0).T
    weights = weights[:-1]
    is_held = (weights > 0).any(axis=1) & (weights < 0).any(axis=1)
    shares = np.sign(weights[is_held]) if _are_equal(targets.weights) else weights[is_held]
    longs, shorts = np.maximum(shares, 0.0), np.maximum(-shares, 0.0)
    returns = returns[is_held]
    long, short = ((returns * side).sum(axis=1) / side.sum(axis=1) for side in (longs, shorts))
    return np.asarray(long - short)


def _are_equal(weights: FloatArray) -> bool:
    """Whether all that are chosen at a time have the same share of it."""
    sizes = np.abs(weights)
    return bool(((sizes == 0.0) | (sizes == sizes.max(axis=1, keepdims=True))).all())


def mean_spread(values: FloatArray, horizon_ms: int, *, seed: int, n_bootstrap: int = 1999) -> Measured:
    """Their mean and its 95% interval by blocks of ten days, or of one decision where that is longer."""
    block = max(1, _BLOCK_MS // horizon_ms)
    drawn = circular_block_sums(values[:, None], block_days=block, n_draws=n_bootstrap, seed=seed)[:, 0]
    n_drawn = len(values) // block * block
    return Measured(float(values.mean()), len(values), *percentile_interval(drawn / max(n_drawn, 1)))
