"""Components that see the future on purpose, each in a way that public systems have seen it, and honest relatives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl
from tests.regimes.log_space import likeliest_path
from tests.research.markets import N_BARS, bent_market, jumping_market, long_market, market_of, trading_market

from tradsys.auditor.auditor import LogisticAuditor
from tradsys.backtest.simulate import PricedGrid
from tradsys.core.bars import to_arrays
from tradsys.data.market import Market
from tradsys.data.outside.positions.table import PositionTable, in_order, with_positions
from tradsys.data.simulate.market import HOUR
from tradsys.features.feature_set import FeatureSet
from tradsys.features.fractional import FracDiff
from tradsys.features.momentum import LogReturns
from tradsys.labels.barriers import BarrierSpec
from tradsys.models.linear.baselines import BaseRate, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.training.agents import TransformerAgent
from tradsys.models.training.recipe import Trained
from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ConfidenceAbove
from tradsys.regimes.filter import gaussian_log_likelihood
from tradsys.regimes.markov import FittedRegimeFilter, RegimeSpec
from tradsys.regimes.volatility import VolatilityRegimes
from tradsys.research.selection import nested_selection
from tradsys.research.walk import dataset, deciding, experiment, folds
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment, experiment_from
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import FoldSettings


def quick_experiment(**specs: Any) -> Experiment:
    """The flow with its quickest parts, on two folds."""
    quick = replace(
        experiment_from(RunConfig(agent={"name": "logistic"}, labels={"horizon": 6})),
        features=FeatureSet((LogReturns((1, 3, 12)),)),
        regime_momentum=False,
        regimes=VolatilityRegimes(window=12),
        forecasters=(BaseRate(), VolatilityOnly(10.0), RidgeLogistic(10.0)),
        auditor=LogisticAuditor(n_folds=2, penalty=2.0),
        folds=FoldSettings(initial=0.4, n_folds=2, lockbox=0.1),
    )
    return replace(quick, **specs)


class OneColumn:
    """What all features here share: one column of their own name, neither odd nor volatility."""

    name: ClassVar[str]
    lookback: ClassVar[int] = 2
    is_odd: ClassVar[tuple[bool, ...]] = (False,)
    is_volatility: ClassVar[tuple[bool, ...]] = (False,)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    def compute(self, bars: pl.DataFrame) -> np.ndarray:
        values = self.values(bars, np.log(to_arrays(bars).close))
        values[: self.lookback - 1] = np.nan
        return values[:, None]


@dataclass(frozen=True)
class Backfilled(OneColumn):
    """Measured every seventh bar and filled backwards."""

    name: ClassVar[str] = "backfilled"

    def values(self, bars, log_close):
        measured = pl.Series(np.where(np.arange(len(bars)) % 7 == 6, np.diff(log_close, prepend=log_close[0]), np.nan))
        return measured.fill_nan(None).fill_null(strategy="backward").fill_null(0.0).to_numpy().copy()


@dataclass(frozen=True)
class Centred(OneColumn):
    """Distance to the mean of the eleven bars around."""

    name: ClassVar[str] = "centred"

    def values(self, bars, log_close):
        around = pl.Series(log_close).rolling_mean(11, center=True, min_samples=1).to_numpy()
        return log_close - around


@dataclass(frozen=True)
class WholeFrameScale(OneColumn):
    """Returns over the deviation of all the bars it is given."""

    name: ClassVar[str] = "whole_frame_scale"

    def values(self, bars, log_close):
        returns = np.diff(log_close, prepend=log_close[0])
        return returns / returns.std()


@dataclass(frozen=True)
class SameDayClose(OneColumn):
    """Distance to the close of the day that the bar belongs to."""

    name: ClassVar[str] = "same_day_close"

    def values(self, bars, log_close):
        last = bars.select(pl.col("close").last().over(pl.col("ts").dt.date())).to_series().to_numpy()
        return np.log(last) - log_close


@dataclass(frozen=True, eq=False)
class MacroClose(OneColumn):
    """A daily series of its own (`day`, `published`, `level`), joined on its date: known before it was published."""

    daily: pl.DataFrame
    name: ClassVar[str] = "macro_close"

    def until(self, time_ms: int) -> "MacroClose":
        return replace(self, daily=self.daily.filter(pl.col("published").dt.epoch("ms") <= time_ms))

    def values(self, bars, log_close):
        days = bars.select(pl.col("ts").dt.date().alias("day"))
        return days.join(self.daily, on="day", how="left")["level"].forward_fill().fill_null(0.0).to_numpy().copy()


@dataclass(frozen=True, eq=False)
class LaggedMacroClose(MacroClose):
    """The same series, joined backward on when it was published: honest."""

    def values(self, bars, log_close):
        closes = bars.select((pl.col("ts") + HOUR).alias("known"))
        joined = closes.join_asof(self.daily.sort("published"), left_on="known", right_on="published")
        return joined["level"].fill_null(0.0).to_numpy().copy()


def macro(seed: int) -> pl.DataFrame:
    """Daily levels, published at 21:00."""
    days = pl.date_range(pl.date(2018, 12, 1), pl.date(2019, 6, 1), eager=True).alias("day")
    level = np.random.default_rng(seed).normal(size=len(days)).cumsum()
    published = (days.cast(pl.Datetime("ms", "UTC")) + pl.duration(hours=21)).alias("published")
    return pl.DataFrame([days]).with_columns(published, pl.Series("level", level))


@dataclass(frozen=True, eq=False)
class InterestKnown(OneColumn):
    """Log of the open interest of a table of its own, as bars are told it by when it was out: honest."""

    table: PositionTable
    name: ClassVar[str] = "interest_known"

    def until(self, time_ms: int) -> "InterestKnown":
        rows = self.table.rows.filter(pl.col("available_at").dt.epoch("ms") <= time_ms)
        return replace(self, table=replace(self.table, rows=rows))

    def values(self, bars, log_close):
        return np.log(
            with_positions(bars, [self.table], interval=HOUR)["flow_open_interest"].fill_nan(1.0).to_numpy()
        ).copy()


@dataclass(frozen=True, eq=False)
class InterestOfTheSameBar(InterestKnown):
    """The same table, taken by what each row is about: a bar knows the final value of its own time."""

    name: ClassVar[str] = "interest_of_the_same_bar"

    def values(self, bars, log_close):
        final = self.table.rows.unique("ts", keep="last", maintain_order=True)
        taken = replace(self.table, rows=final.with_columns(available_at=pl.col("ts")).sort("ts"))
        return InterestKnown.values(replace(self, table=taken), bars, log_close)


def interest(seed: int) -> PositionTable:
    """Every hour's open interest, out half an hour later; some hours much later, some once more with another value."""
    rng = np.random.default_rng(seed)
    n = 24 * 200
    hours = pl.Series(np.concatenate([np.arange(n), rng.choice(n, n // 10, replace=False)]))
    late = pl.Series(np.concatenate([np.where(rng.random(n) < 0.1, 90, 30), np.full(n // 10, 200)]))
    about = pl.datetime(2018, 12, 1, time_unit="ms", time_zone="UTC") + pl.duration(hours="hours")
    rows = pl.DataFrame({"hours": hours, "late": late, "open_interest": rng.uniform(1.0, 9.0, len(hours))})
    rows = rows.select(about.alias("ts"), (about + pl.duration(minutes="late")).alias("available_at"), "open_interest")
    return PositionTable(in_order(rows.select("ts", "available_at", "open_interest"), "drawn"), "drawn")


class SmoothedFilter(FittedRegimeFilter):
    """Probabilities from all the bars, later ones too."""

    def filter(self, bars):
        return self.smoothed_proba(bars)


class ViterbiFilter(FittedRegimeFilter):
    """The states of the likeliest path through all the bars."""

    def filter(self, bars):
        model = self.regimes
        initial, transition, means, covariances = map(
            np.array, (model.initial, model.transition, model.means, model.covariances)
        )

        def states(X):
            density = gaussian_log_likelihood(X, means, covariances)
            return np.eye(self.n_states)[likeliest_path(density, initial, transition)]

        return self._probabilities(bars, states)


@dataclass(frozen=True)
class LeakyRegimes:
    """Regimes fitted on the training part alone, and then read by a filter that is none."""

    kind: type[FittedRegimeFilter]
    n_states: int = 3

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> FittedRegimeFilter:
        (frame,) = frames
        key = (len(frame), frame["close"][-1], seed)  # fitting takes longest here, and all folds are fitted again
        if key not in FITTED:
            FITTED[key] = RegimeSpec(n_starts=1, window=40).fit(frames, seed=seed)
        fitted = FITTED[key]
        return self.kind(fitted.observation, fitted.regimes, fitted.window)


FITTED: dict[tuple[int, float, int], FittedRegimeFilter] = {}


@dataclass(frozen=True)
class EndsEarly(BarrierSpec):
    """Labels that say they were known one bar before they were."""

    def label(self, bars):
        return (
            super()
            .label(bars)
            .with_columns(
                pl.when(pl.col("end") - pl.col("start") > HOUR).then(pl.col("end") - HOUR).otherwise(pl.col("end"))
            )
        )


def without_purge(data: Dataset, spec: Experiment, embargo: Any) -> list[folds.Fold]:
    """In the place of `walk_forward`: all that started before the test block trains."""
    labels = tuple(data.labels.values())
    return [
        replace(fold, train=tuple(one.is_labelled & (one.start < fold.opens) for one in labels))
        for fold in folds.walk_forward(data, spec, embargo)
    ]


def threshold_of_the_test_part(data: Dataset, spec: Experiment, models: Any, *rest: Any) -> deciding.FoldResult:
    """In the place of `decide_fold`: of many thresholds the one that earned most on the test block."""
    result = deciding.decide_fold(data, spec, models, *rest)
    (forecasts,), (labels,), (rows,) = result.forecasts.values(), data.labels.values(), models.fold.test
    # before costs: where nothing pays them, no future says anything but to stay out
    earned = forecasts.chosen(np.nan_to_num(labels.ret[rows]))
    grid = np.arange(100) / 100
    best = max(grid, key=lambda threshold: earned[forecasts.chosen(forecasts.rank) > threshold].sum())
    profile = replace(result.predictor.profile, entry=ConfidenceAbove(float(best)))
    return replace(result, predictor=result.predictor.with_profile(profile))


def choice_on_the_test_part(
    data: Dataset, spec: Experiment, results: Any, *rest: Any, **held: Any
) -> nested_selection.FoldChoice:
    """In the place of `choose_for_fold`: what a fold chooses has been tried on its own test block too."""
    own = results[-1].fold
    later = replace(results[-1], fold=replace(own, opens=own.closes))
    return CHOOSE(data, spec, [*results, later], *rest, **held)


CHOOSE = nested_selection.choose_for_fold


def same_bar_fills(priced: PricedGrid, decisions: pl.DataFrame, spec: Experiment, **late: Any) -> Any:
    """In the place of `simulate_on`: each decision fills at the open of the bar whose close it was made at."""
    return SIMULATE(priced, decisions.with_columns(pl.col("start") - HOUR), spec, **late)


def fills_at_the_close(priced: PricedGrid, decisions: pl.DataFrame, spec: Experiment, **late: Any) -> Any:
    """In the place of `simulate_on`: each trade enters at the very close that decided it."""
    simulation = SIMULATE(priced, decisions, spec, **late)
    opens = pl.Series(priced.grid.ts).cast(pl.Datetime("ms", "UTC"))
    closes = pl.DataFrame({"decided": opens + HOUR, "close": priced.grid.prices.close})
    trades = simulation.trades.join(closes, on="decided", how="left", maintain_order="left")
    return replace(simulation, trades=trades.with_columns(entry_price=pl.col("close")).drop("close"))


SIMULATE = experiment.simulate_on


@dataclass(frozen=True)
class Leak:
    """A way to see the future: what it replaces, and what the finding must say.

    `part` and `column` are how the finding's begin, and `ahead` is the least and the most that it may see.
    """

    name: str
    part: str
    column: str
    ahead: tuple[int, int]
    spec: Callable[[int], dict[str, Any]] = lambda seed: {}
    patch: tuple[Any, str, Any] | None = None
    market: Callable[[int], Market] = lambda seed: market_of("noise", seed)
    in_every_run: bool = True

    def __str__(self) -> str:
        return self.name


def eager(seed: int) -> dict[str, Any]:
    """A profile that enters at every bar: without trades there is no fill that could be wrong."""
    profile = Profile("EAGER", "enters at every bar", ConfidenceAbove(0.0, "probability"))
    return {"profiles": (profile,), "deployed": profile.name}


def features(*leaky: Any) -> dict[str, Any]:
    return {"features": FeatureSet((LogReturns((1, 3, 12)), *leaky))}


def slippage_of_the_whole_time(bars: pl.DataFrame, _: Any) -> np.ndarray:
    """One number from all bars for each of them."""
    return np.full(len(bars), float((bars["high"] / bars["low"] - 1).mean()) / 20)


LEAKS = [
    Leak("bfill", "features", "backfilled", (1, 6), lambda seed: features(Backfilled())),
    Leak("centred window", "features", "centred", (5, 5), lambda seed: features(Centred())),
    Leak("scaled in the frame", "features", "whole_frame_scale", (1, N_BARS), lambda seed: features(WholeFrameScale())),
    Leak("same-day close", "features", "same_day_close", (1, 23), lambda seed: features(SameDayClose())),
    Leak("same-day macro close", "features", "macro_close", (1, 20), lambda seed: features(MacroClose(macro(seed)))),
    Leak(
        "same-bar open interest",
        "features",
        "interest_of_the_same_bar",
        (1, 4),
        lambda seed: features(InterestOfTheSameBar(interest(seed))),
    ),
    Leak("Viterbi states", "regimes", "regime", (1, N_BARS), lambda seed: {"regimes": LeakyRegimes(ViterbiFilter)}),
    Leak("smoothed states", "regimes", "regime", (1, N_BARS), lambda seed: {"regimes": LeakyRegimes(SmoothedFilter)}),
    Leak(
        "full-sample scaler",
        "fit of fold",
        "scale of log_return_1",
        (200, N_BARS),
        patch=(dataset, "_rows_until_last", len),
    ),
    Leak(
        "full-sample d",
        "fit of fold",
        "parameters of frac_diff",
        (1, N_BARS),
        lambda seed: features(FracDiff(tau=0.02)),
        patch=(dataset, "_rows_until_last", len),
        market=bent_market,
    ),
    Leak(
        "same-bar fill",
        "fills of",
        "target",
        (1, 1),
        eager,
        patch=(experiment, "simulate_on", same_bar_fills),
    ),
    Leak(
        "fill at the close",
        "fills of",
        "entry_price",
        (1, 1),
        eager,
        patch=(experiment, "simulate_on", fills_at_the_close),
        market=jumping_market,
    ),
    Leak("no purge", "training rows", "labels of fold 1", (1, 6), patch=(experiment, "walk_forward", without_purge)),
    Leak(
        "threshold of the test part",
        "fit of fold",
        "profile",
        (1, N_BARS),
        patch=(experiment, "decide_fold", threshold_of_the_test_part),
        market=trading_market,
        in_every_run=False,
    ),
    Leak(
        "choice on the test part",
        "choice of fold",
        "daily returns",
        (1, 6_000),
        eager,
        patch=(nested_selection, "choose_for_fold", choice_on_the_test_part),
        market=long_market,
    ),
    Leak(
        "slippage of the whole time",
        "long labels",
        "net",
        (1, N_BARS),
        patch=(dataset, "slippage_of", slippage_of_the_whole_time),
    ),
    Leak("labels that end early", "long labels", "ret", (1, 1), lambda seed: {"barriers": EndsEarly(horizon=6)}),
]


class KeptNetwork(TransformerAgent):
    """A network that nothing trained and everything keeps: its forecasts read rows far back, and none ahead."""

    def train_many(self, tasks: Any, **_: Any) -> list[Trained]:
        def network(task: Any) -> Any:
            n = self.network(len(task.panel.columns)).n_parameters
            return np.random.default_rng(task.seed).normal(0, 0.3, n).astype(np.float32)

        return [Trained(network(t), step=0, start_loss=0.0, gain=0.0, error=0.0, reason="") for t in tasks]


def deciding_network() -> dict[str, Any]:
    network = KeptNetwork(d_model=8, n_layers=2, n_heads=2, window=8, offset=RidgeLogistic(10.0))
    return {"challengers": ("transformer",), "forecasters": (*quick_experiment().forecasters, network)}


HONEST = {
    "quick parts": lambda seed: {},
    "lagged macro close": lambda seed: features(LaggedMacroClose(macro(seed))),
    "late and revised open interest": lambda seed: features(InterestKnown(interest(seed))),
    "fitted d": lambda seed: features(FracDiff(tau=0.02)),
    "chosen events": lambda seed: {"barriers": BarrierSpec(horizon=6, events="cusum", cusum_threshold=0.3)},
}
