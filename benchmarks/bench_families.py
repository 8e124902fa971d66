"""What each family of features adds to the default set on many real coins: to direction, volatility and regime.

python benchmarks/bench_families.py FOLDER [N_FOLDS]      # 3 folds unless given

FOLDER holds SYMBOL-1h-binancefut.parquet, SYMBOL-funding-binancefut.parquet (`funding_time, rate, interval_hours`) and
SYMBOL-oi-1h-bybit.parquet (`ts, open_interest`, taken as known an hour after its stamp). Purged expanding folds of the
project's own, the lock-box closed. Both models of a comparison are fitted, calibrated (on earlier test blocks) and
scored on the same rows: those of which the families of its kind know something. One thread; every family and target is
a look, and all are counted.

Direction is whether a side's target comes first (log-loss of both sides, the ridge logistic of the default agent).
Volatility is how far the next 24 bars move over the average true range now (ridge regression, the score of a normal
distribution with the spread of the default set's errors). Regime is whether the quiet state, and whether the panic
state, is the likeliest 24 bars later, beside what the filter says now (ridge logistic). The last two read the columns
that know no direction, the family's own columns and their sizes.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from coins import FIRST, pooled, shown
from scipy.special import ndtr

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.carry import COLUMNS, Settlements, settle
from tradsys.core.seeds import derive
from tradsys.core.threads import one_thread
from tradsys.core.time import interval_ms, ts_ms
from tradsys.data.market import Market
from tradsys.data.outside.funding import table_of
from tradsys.data.outside.positions.position_source import PositionSource
from tradsys.data.outside.source import attach_outside
from tradsys.features.feature_set import FeatureSet
from tradsys.features.universe_ranks import MOMENTUM, attach_ranks
from tradsys.models.forecaster import Panel, Rows, stack
from tradsys.models.linear.baselines import BaseRate, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.linear.volatility_agent import RIDGES
from tradsys.models.linear.volatility_forecast import Ridge, fit_ridge
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import calibrate
from tradsys.research.walk.experiment_spec import Experiment, experiment_on
from tradsys.research.walk.fitting import fill_first_part, fit_models, logits_of
from tradsys.research.walk.folds import Fold, walk_forward
from tradsys.research.walk.lockbox import development_data
from tradsys.research.walk.record import Record, both
from tradsys.settings.config import RunConfig
from tradsys.splits.kfold import PurgedKFold
from tradsys.verdict.scores import log_loss
from tradsys.verdict.skill import Estimate, Overlap, estimate

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "funding: level": ("funding_level",),
    "funding: change": ("funding_change",),
    "funding: rank": ("funding_rank",),
    "funding: all three": ("funding_level", "funding_change", "funding_rank"),
    "open interest": ("open_interest", "open_interest_pressure"),
    "ranks of momentum": ("relative_strength", "momentum_rank"),
    "market mean": ("market_momentum",),
    "dispersion": ("momentum_dispersion",),
    "market mean and dispersion": ("market_momentum", "momentum_dispersion"),
}
TARGETS = ("direction", "volatility", "regime")
N_LOOKS = len(FAMILIES) * len(TARGETS)
AHEAD = 24
"""Bars after which the regime is asked for, as long as a label lives."""


def market_of(folder: Path) -> Market:
    """The pooled coins with funding, open interest and everything that compares symbols."""
    market = pooled(folder)

    def funded(symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        path = folder / f"{symbol}-funding-binancefut.parquet"
        if not path.exists():
            return bars.with_columns(pl.lit(float("nan")).alias(name) for name in COLUMNS)
        table = table_of(pl.read_parquet(path), path.name)
        settled = settle(ts_ms(bars), interval_ms(market.interval), Settlements.of(*table)).columns()
        lapsed = settled["funding_age_h"] > settled["funding_hours"]  # a hole of the file: nothing is known
        return bars.with_columns(pl.Series(name, np.where(lapsed, np.nan, one)) for name, one in settled.items())

    market = market.attached(market.by_symbol(funded), "funding of the coins that have it here")
    paths = {symbol: folder / f"{symbol}-oi-1h-bybit.parquet" for symbol in market.symbols}
    positions = [f"{symbol}={path}?lag_s=3600" for symbol, path in paths.items() if path.exists()]
    market = attach_outside(market, [PositionSource.parse(text) for text in positions])
    return attach_ranks(market, kinds=(*MOMENTUM, "funding"))


class Ridged:
    """Forecasts of the expansion of volatility by ridge regression, its penalty chosen on purged folds."""

    def __init__(self, X: FloatArray, panel: Panel, rows: Rows) -> None:
        target, weight = stack(panel.expansion, rows), panel.stack_weight(rows).mean(axis=1)
        start, end = stack(panel.start, rows), stack(panel.expansion_end, rows)
        error = np.zeros(len(RIDGES))
        for train, test in PurgedKFold(5).split(start, intervals=(start, end)):
            for k, ridge in enumerate(RIDGES):
                own = fit_ridge(X[train], target[train], weight[train], ridge)
                error[k] += weight[test] @ (target[test] - own(X[test])) ** 2
        self.fitted: Ridge = fit_ridge(X, target, weight, RIDGES[int(error.argmin())])
        self.spread = float(np.sqrt(error.min() / weight.sum()))


class Measurement:
    """All families on one market's folds."""

    def __init__(self, market: Market, n_folds: int) -> None:
        config = RunConfig.model_validate({"folds": {"n_folds": n_folds}})
        self.spec: Experiment = replace(experiment_on(market, config), forecasters=(RidgeLogistic(),), challengers=())
        self.data: Dataset = development_data(market, self.spec)
        self.folds = walk_forward(self.data, self.spec, self.spec.embargo(self.data.interval))
        self.records: dict[tuple[str, str], Record] = {}
        self.found: dict[tuple[str, str], list[tuple[FloatArray, FloatArray, IntArray]]] = {}
        self.coins: dict[str, int] = {}
        self.known: dict[str, Rows] = {}
        self.spread: dict[tuple[int, bytes], float] = {}

    def run(self) -> None:
        began = time.monotonic()
        for fold in self.folds:
            self._fold(fold)
            print(f"[{time.monotonic() - began:5.0f} s] fold {fold.index}", file=sys.stderr, flush=True)

    def _fold(self, fold: Fold) -> None:
        seed = derive(self.spec.seed, "fold", fold.index)
        regimes = self.spec.regimes.fit(self.data.before(fold.train), seed=seed)
        base = self.spec.feature_set(regimes)
        state = tuple(regimes.filter(bars) for bars in self.data.frames.values())
        done: dict[tuple[str, bytes], FloatArray] = {}
        for family, names in FAMILIES.items():
            extra = FeatureSet.from_names(names).learn(list(self.data.frames.values())).features
            _, panel = self.data.panel(FeatureSet((*base.features, *extra)), fold.train, seed=seed)
            is_own = np.arange(len(panel.columns)) >= len(panel.columns) - len(
                [column for one in extra for column in one.columns]
            )
            usable = both(panel.usable(), self._known(family))
            rows = both(fold.train, usable)
            tested = both(fold.test, both(usable, tuple(np.isfinite(e) for e in panel.expansion)))
            self.coins[family] = sum(bool(mask.any()) for mask in rows)
            start = stack(panel.start, tested)
            mark = np.concatenate([*map(np.packbits, rows), *map(np.packbits, tested)]).tobytes()
            for target in TARGETS:
                key = target, mark
                for with_family in (False, True):
                    if not with_family and key in done:
                        continue
                    kept = np.ones(len(is_own), bool) if with_family else ~is_own
                    name = family if with_family else f"without {family}"
                    losses = self._losses(target, name, fold, panel, rows, tested, is_own & kept, kept, state, mark)
                    if with_family:
                        self.found.setdefault((family, target), []).append((done[key], losses, start))
                    else:
                        done[key] = losses

    def _known(self, family: str) -> Rows:
        """Rows of which all families of this kind know something, so that they are compared on the same."""
        names = dict.fromkeys(name for other, own in FAMILIES.items() if kind(other) == kind(family) for name in own)
        if kind(family) not in self.known:
            features = FeatureSet.from_names(list(names)).learn(list(self.data.frames.values())).features
            each = [self.data.raw.of_one(one, max(f.lookback for f in features)) for one in features]
            self.known[kind(family)] = tuple(
                np.isfinite(np.concatenate(parts, axis=1)).all(axis=1) for parts in zip(*each, strict=True)
            )
        return self.known[kind(family)]

    def _losses(
        self,
        target: str,
        name: str,
        fold: Fold,
        panel: Panel,
        rows: Rows,
        tested: Rows,
        is_own: BoolArray,
        kept: BoolArray,
        state: Sequence[FloatArray],
        mark: bytes,
    ) -> FloatArray:
        """Of the test rows, (n,), with the `kept` columns, some of which `is_own` to the family."""
        if target == "direction":
            chosen = restricted(panel, panel.X, kept)
            return self._logistic(target, name, fold, chosen, rows, tested)
        read = panel.is_volatility & kept | is_own
        sized = is_own & ~panel.is_volatility
        X = tuple(np.concatenate([x[:, read], np.abs(x[:, sized])], axis=1) for x in panel.X)
        if target == "regime":
            X = tuple(np.concatenate([x, probability[:, 1:]], axis=1) for x, probability in zip(X, state, strict=True))
            own = replace(
                restricted(panel, X, np.ones(X[0].shape[1], bool)),
                y=tuple(regime_later(one) for one in state),
                end=tuple(np.repeat(later(one)[:, None], 2, axis=1) for one in panel.start),
            )
            usable = own.usable()
            return self._logistic(target, name, fold, own, both(rows, usable), tested)
        learns = both(rows, tuple(np.isfinite(e) for e in panel.expansion))
        ridged = Ridged(stack(X, learns), panel, learns)
        error = stack(panel.expansion, tested) - ridged.fitted(stack(X, tested))
        spread = self.spread.setdefault((fold.index, mark), ridged.spread)  # the default set's, which comes first
        return np.asarray(0.5 * (error / spread) ** 2)

    def _logistic(self, target: str, name: str, fold: Fold, panel: Panel, rows: Rows, tested: Rows) -> FloatArray:
        """Log-loss of the test rows, calibrated on earlier test blocks' forecasts from the same columns."""
        sizes = tuple(len(frame) for frame in self.data.frames.values())
        record = self.records.setdefault((target, name), Record(sizes))
        (model,) = self.spec.forecasters
        fitted = model.fit(panel, rows, seed=0)
        calibration = calibrate(record, model.name, panel, rows)
        logits = logits_of(fitted, panel, fold.test)
        record.add(model.name, fold.test, logits)
        y = panel.stack_y(tested)
        known = np.isfinite(y).all(axis=1)
        loss = np.zeros(len(y))
        loss[known] = log_loss(calibration.apply(stack(logits, tested))[known], y[known])
        return loss

    def gain(self, family: str, target: str) -> Estimate:
        """What the family saves a forecast, in nats."""
        parts = self.found[family, target]
        base, more, start = (np.concatenate(part) for part in zip(*parts, strict=True))
        return estimate(
            base - more, Overlap(start, interval_ms(self.data.interval), self.spec.barriers.horizon), seed=0
        )

    def print(self) -> None:
        """A line a family and target."""
        print(f"| target | family | coins | n | gain, millinats | p, one look | p, {N_LOOKS} looks |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for target in TARGETS:
            for family in FAMILIES:
                found = self.gain(family, target)
                p = 1.0 - float(ndtr(found.value / found.standard_error)) if found.standard_error else 1.0
                print(
                    f"| {target} | {family} | {self.coins[family]} | {found.n:,} | {shown(found)} | {p:.3f} | "
                    f"{min(1.0, N_LOOKS * p):.2f} |"
                )


def kind(family: str) -> str:
    """Families of one kind are compared on the same rows: funding, open interest, the cross-section of momentum."""
    return {"f": "funding", "o": "open interest"}.get(family[0], "cross-section")


def restricted(panel: Panel, X: tuple[FloatArray, ...], kept: BoolArray) -> Panel:
    """The panel with some columns of X."""
    n = int(kept.sum())
    same = len(kept) == len(panel.columns)
    return replace(
        panel,
        columns=tuple(f"c{k}" for k in range(n)),
        is_odd=panel.is_odd[kept] if same else np.zeros(n, bool),
        is_volatility=panel.is_volatility[kept] if same else np.ones(n, bool),
        X=tuple(x[:, kept] for x in X),
    )


def regime_later(state: FloatArray) -> FloatArray:
    """Whether the quiet state, and whether the last state, is the likeliest `AHEAD` bars later, (n_bars, 2)."""
    ahead = np.full((len(state), 2), np.nan)
    known = np.isfinite(state[AHEAD:]).all(axis=1)
    likeliest = np.nan_to_num(state[AHEAD:]).argmax(axis=1)
    ahead[:-AHEAD][known] = np.column_stack([likeliest == 0, likeliest == state.shape[1] - 1])[known]
    return ahead


def later(start: IntArray) -> IntArray:
    """When the bar `AHEAD` bars on has closed, (n_bars,); its own close for the last ones."""
    return np.append(start[AHEAD:], start[-AHEAD:])[: len(start)]


def horizons(market: Market, n_folds: int) -> None:
    """The ridge logistic on the default set over volatility alone and over the base rate, by horizon and coins."""
    print("\n| horizon | coins | n | over the base rate | over volatility alone |")
    print("| --- | --- | --- | --- | --- |")
    for horizon in (6, 24):
        config = RunConfig.model_validate({"folds": {"n_folds": n_folds}, "labels": {"horizon": horizon}})
        models = (BaseRate(), VolatilityOnly(), RidgeLogistic())
        spec = replace(experiment_on(market, config), forecasters=models, challengers=())
        data = development_data(market, spec)
        embargo = spec.embargo(data.interval)
        record, parts = Record(tuple(len(frame) for frame in data.frames.values())), []
        for fold in walk_forward(data, spec, embargo):
            fitted = fit_models(data, spec, fold)
            if fold.index == 0:
                fill_first_part(record, data, spec, fitted, embargo)
            tested = both(fold.test, fitted.panel.usable())
            y, start = fitted.panel.stack_y(tested), stack(fitted.panel.start, tested)
            coin = np.repeat(np.arange(len(tested)), [int(mask.sum()) for mask in tested])
            losses = [
                log_loss(
                    calibrate(record, m.name, fitted.panel, fitted.rows).apply(stack(fitted.logits[m.name], tested)), y
                )
                for m in models
            ]
            for m in models:
                record.add(m.name, fold.test, fitted.logits[m.name])
            parts.append((*losses, start, coin))
        base, volatility, logistic, start, coin = (np.concatenate(part) for part in zip(*parts, strict=True))
        for name, mine in (
            ("all", coin >= 0),
            (f"the {len(FIRST)} of development", coin < len(FIRST)),
            ("all others", coin >= len(FIRST)),
        ):
            overlap = Overlap(start[mine], interval_ms(data.interval), horizon)
            cells = [shown(estimate((one - logistic)[mine], overlap, seed=0)) for one in (base, volatility)]
            print(f"| {horizon} | {name} | {int(mine.sum()):,} | {' | '.join(cells)} |", flush=True)


@one_thread()
def main() -> None:
    """Both tables."""
    folder = Path(sys.argv[1])
    n_folds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    market = market_of(folder)
    print(f"{market.title}; {len(market.bars):,} bars\n", flush=True)
    measurement = Measurement(market, n_folds)
    measurement.run()
    measurement.print()
    sys.stdout.flush()
    horizons(pooled(folder), n_folds)


if __name__ == "__main__":
    main()
