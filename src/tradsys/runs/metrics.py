"""`metrics.json`: what a run measured, each number with its sample size and interval."""

import math
from collections.abc import Mapping
from datetime import datetime

from tradsys.runs.diagnostics import (
    AlignmentMetrics,
    ChosenMetrics,
    DriftMetrics,
    FamiliesMetrics,
    ImportanceMetrics,
    LookaheadMetrics,
    PathsMetrics,
    SupervisorMetrics,
)
from tradsys.runs.section import MeasuredGain, Measurement, Measurements, Number, RunSection
from tradsys.runs.slippage import MoreSlippageMetrics, SymbolSlippage


class BrierMetrics(RunSection):
    """The Brier score taken apart, as `verdict.reliability.BrierParts` explains it."""

    reliability: Number
    resolution: Number
    uncertainty: Number
    within: Number


class ForecasterMetrics(RunSection):
    """One forecaster's scores over all test blocks; `intervals` are 95%, `over_...` are gains in millinats."""

    name: str
    log_loss: Number
    brier: Number
    auc: Number
    brier_parts: BrierMetrics
    intervals: Mapping[str, tuple[Number, Number]]
    over_base: MeasuredGain | None = None
    over_volatility: MeasuredGain | None = None
    over_logistic: MeasuredGain | None = None
    over_boosted: MeasuredGain | None = None


class SymbolSkill(RunSection):
    """What the decision maker's `n` forecasts of one symbol gained over the base rate, in millinats."""

    symbol: str
    n: int
    over_base: MeasuredGain | None = None


class SkillMetrics(RunSection):
    """Every forecaster on the same rows; a gain below `smallest_visible_gain_millinats` would not be seen.

    `symbols` has one each where several are pooled.
    """

    n: int
    effective_n: Number
    base_rate: Number
    log_loss_base: Number
    smallest_visible_gain_millinats: Number
    forecasters: tuple[ForecasterMetrics, ...]
    symbols: tuple[SymbolSkill, ...] = ()


class ReliabilityBin(RunSection):
    """Like forecasts of one side: their mean, how often it happened with an exact 95% interval, and their number."""

    predicted: Number
    observed: Number
    low: Number
    high: Number
    n: int
    effective_n: Number


class MoneyBin(RunSection):
    """Like decisions: what they were expected to earn after costs, and what they earned with a 95% interval; bp."""

    expected_bps: Number
    earned_bps: Number
    low: Number
    high: Number
    n: int


class MoneyMetrics(RunSection):
    """Expected returns held against earned ones: in tenths, and where they were expected to pay by .8 standard errors.

    `n_folds_out` counts folds in which such decisions on record had not earned their costs, so that none were taken.
    """

    bins: tuple[MoneyBin, ...]
    paying: MoneyBin | None
    n_folds: int
    n_folds_out: int


class RepairMetrics(RunSection):
    """What the importer repaired in the bars, or noticed and left as it is, where not `changed`.

    `symbol` is named where several are pooled.
    """

    kind: str
    n_rows: int
    sentence: str
    symbol: str = ""
    changed: bool = True


class MarketMetrics(RunSection):
    """What was read, what was repaired in it, and where the lock-box begins, None where there is none."""

    sources: tuple[str, ...]
    symbols: tuple[str, ...]
    interval: str
    n_bars: int
    first: datetime | None
    last: datetime | None
    lockbox_from: datetime | None
    is_development: bool
    n_design_looks: int
    n_gaps: int
    n_missing_bars: int
    zero_volume_share: Number
    repairs: tuple[RepairMetrics, ...]
    tested_from: str | None = None
    tested_to: str | None = None


class LabelMetrics(RunSection):
    """The labels of all bars, and the barriers that they come from; shares are fractions.

    `missed_long` and `missed_short` are of the orders behind them, where entries rest in the book: those nobody filled.
    """

    n: int
    effective_n: Number
    base_rate_long: Number
    base_rate_short: Number
    ambiguous_share: Number
    timeout_share: Number
    upper: Number
    lower: Number
    horizon: int
    unit: str = "ATR"
    missed_long: Number = None
    missed_short: Number = None


class FoldTrades(RunSection):
    """A profile's trades in one test block, and what its equity gained there, which earlier versions did not tell."""

    n_trades: int
    equity_return: Number = None


class ChallengerMetrics(RunSection):
    """What a challenger saved of the logistic's loss in earlier test blocks, in millinats a forecast.

    It had to save more than `needed` to decide. Numbers are None where there was nothing to compare yet, or too little
    for a standard error.
    """

    value: Number = None
    low: Number = None
    high: Number = None
    needed: Number = None
    n: int = 0


class FoldMetrics(RunSection):
    """One purged test block: who decided there, what its forecasts gained, and how training ended.

    A rule that fits nothing has neither a training part nor forecasts to score. `without_network` says of each network
    of which nothing was kept why: what goes by its name there is the linear model alone.
    """

    fold: int
    n_test: int
    test_from: datetime
    test_to: datetime
    decider: str
    gain_millinats: Number
    training: str
    profiles: Mapping[str, FoldTrades]
    n_train: int | None = None
    auc: Number = None
    auditor: str = ""
    leads_millinats: Mapping[str, Number] = {}
    challengers: Mapping[str, ChallengerMetrics] = {}
    without_network: Mapping[str, str] = {}


class RuinMetrics(RunSection):
    """When an account came to nothing, and by what, in words."""

    at: datetime
    cause: str


class SymbolTrades(RunSection):
    """One symbol's trades of a profile: returns a trade on its notional after and before costs, and profit in all.

    `t` is that of its daily net contributions and `p_own` its p over all symbols of the run's profiles, None where it
    had too few trades.
    """

    symbol: str
    n_trades: int
    net: Measurement
    gross: Measurement
    profit_abs: float
    t: Number = None
    p_own: Number = None


class ProfileMetrics(RunSection):
    """What one profile did: its metrics under freqtrade's names, how its trades ended, and how it did.

    `highest_confidence` is that of profiles with a threshold on it, `stayed_out` why most decisions came to nothing.
    `symbols` has one each where several are pooled, `slippage` what more of it would have left of the trades.
    `not_taken` counts the decisions that came to no trade, by reason, of ranks those of `n_orders` changes of a
    position; earlier versions did not tell. `entries` is what limit entries brought and what was missed, fractions of
    the notional as `backtest.entries` names them; None of entries at the market.
    """

    description: str
    metrics: Measurements
    exit_reasons: Mapping[str, int]
    n_decisions: int
    highest_confidence: Number
    stayed_out: str = ""
    net_exposure_mean: Number = None
    ruin: RuinMetrics | None = None
    symbols: tuple[SymbolTrades, ...] = ()
    slippage: MoreSlippageMetrics | None = None
    not_taken: Mapping[str, int] = {}
    n_orders: int | None = None
    entries: Mapping[str, Measurement] | None = None


def why_never(highest_confidence: float | None, stayed_out: str) -> str:
    """Why a profile never entered, in words: how close its confidence came, else what most decisions lacked.

    >>> why_never(0.6124, ""), why_never(None, "quiet regime")
    ('the highest confidence it saw was 0.612', 'quiet regime')
    """
    if highest_confidence is None or not math.isfinite(highest_confidence):
        return stayed_out
    return f"the highest confidence it saw was {highest_confidence:.3f}"


class HeldSymbol(RunSection):
    """A symbol that the rank rule held: decisions for it on either side, and what it earned after costs."""

    symbol: str
    n_long: int
    n_short: int
    profit_abs: float


class UniverseMetrics(RunSection):
    """Which symbols could be ranked, how often they were chosen, and which of them were held."""

    n_symbols: int
    n_members_mean: Number
    n_rebalances: int
    n_closed_by_last_bar: int
    symbols: tuple[HeldSymbol, ...]


class RunMetrics(RunSection):
    """Everything of a run that is a number; what one kind of run does not measure is None.

    `dangers` are settings that flatter these numbers or multiply losses, in sentences.
    """

    market: MarketMetrics
    folds: tuple[FoldMetrics, ...]
    profiles: Mapping[str, ProfileMetrics]
    buy_and_hold: Mapping[str, Number]
    assumptions: tuple[str, ...]
    dangers: tuple[str, ...] = ()
    slippage: tuple[SymbolSlippage, ...] = ()
    lookahead: LookaheadMetrics | None = None
    alignment: AlignmentMetrics | None = None
    labels: LabelMetrics | None = None
    skill: SkillMetrics | None = None
    reliability: Mapping[str, tuple[ReliabilityBin, ...]] = {}
    money: MoneyMetrics | None = None
    adversarial: DriftMetrics | None = None
    importance: ImportanceMetrics | None = None
    families: FamiliesMetrics | None = None
    supervisor: SupervisorMetrics | None = None
    chosen: ChosenMetrics | None = None
    paths: PathsMetrics | None = None
    universe: UniverseMetrics | None = None
