"""Does a network earn its place with many coins? Every agent against the ridge logistic, and what more coins add.

python benchmarks/bench_agents.py FOLDER CACHE [SEEDS] [MINUTES]     # fit what is missing, then print
python benchmarks/bench_agents.py FOLDER CACHE print

FOLDER holds SYMBOL-1h-binancefut.parquet. Three purged expanding folds of the project's own, the lock-box closed;
everything is fitted with one thread. CACHE takes the forecasts of each fit, so that a call that is ended goes on later.
Forecasts are calibrated on earlier test blocks; intervals are the project's block bootstrap, and where there are two
seeds and more, they cover other seeds too.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from coins import pooled, shown
from scipy.special import expit

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.threads import one_thread
from tradsys.core.time import interval_ms
from tradsys.labels.weights import base_rate
from tradsys.models.calibration import fit_calibration
from tradsys.models.forecaster import FittedForecaster, Rows, stack
from tradsys.models.linear.baselines import BaseRate, SymmetricLogistic, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.linear.volatility_agent import VolatilityAgent
from tradsys.models.pooling.ensemble import Ensemble
from tradsys.models.training.agents import ResNetAgent, TransformerAgent
from tradsys.models.training.contrastive_agent import ContrastiveAgent
from tradsys.models.training.network_agent import NetworkAgent
from tradsys.models.trees.boosted import Boosted
from tradsys.research.claims.claims import LossDifference, loss_difference
from tradsys.research.claims.fits import DevelopmentFolds
from tradsys.research.claims.variants import CONTROL, FOCAL, SUPCON, journal_agents
from tradsys.research.walk.agents import DECIDER, ENSEMBLE, MEMBERS
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.research.walk.fitting import FoldModels, fit_models
from tradsys.research.walk.folds import Fold
from tradsys.settings.config import RunConfig
from tradsys.verdict.scores import auc, log_loss
from tradsys.verdict.skill import Overlap

N_FOLDS = 3
POOLS = (4, 8, 16)
"""Coins that train, of all that are tested; all of them come on top."""

FIXED = (BaseRate(), VolatilityOnly(), RidgeLogistic(), SymmetricLogistic(), Boosted(), VolatilityAgent())
OF_CURVE = (RidgeLogistic(), Boosted())
FIXED_NAMES = (*(one.name for one in FIXED), ENSEMBLE)
ALONE = "bce"
LABELS = {
    "boosted": "XGBoost",
    ALONE: "transformer, alone",
    FOCAL: "the same, focal loss",
    SUPCON: "supervised contrast",
    CONTROL: "its untrained control",
}

type Networks = Mapping[str, NetworkAgent | ContrastiveAgent]


def networks() -> Networks:
    """The agents on top of the logistic, and the journal's networks on their own."""
    alone = journal_agents()
    return {"transformer": TransformerAgent(), "resnet": ResNetAgent(), **{n: alone[n] for n in (ALONE, FOCAL, SUPCON)}}


class Cells:
    """Every fit's log-odds of the test rows of all coins, (n, 2), a file each."""

    def __init__(self, folder: Path, development: DevelopmentFolds) -> None:
        self.folder, self.development, self.agents = folder, development, networks()
        self._models: tuple[tuple[int, int], FoldModels] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str, pool: int, fold: int, seed: int = 0) -> Path:
        return self.folder / f"{name.replace(' ', '-')}_{pool}_{fold}_{seed}.npy"

    def of(self, name: str, pool: int, fold: int, seed: int = 0) -> FloatArray:
        return np.asarray(np.load(self.path(name, pool, fold, seed)), np.float64)

    def models(self, fold: Fold, pool: int) -> FoldModels:
        """Regimes, features and fixed forecasters, fitted on the first coins alone; the last ones are kept."""
        if self._models is None or self._models[0] != (fold.index, pool):
            train = tuple(mask & (s < pool) for s, mask in enumerate(fold.train))
            is_there = self.path(DECIDER, pool, fold.index).exists()
            fixed = (BaseRate(),) if is_there else FIXED if pool == len(train) else OF_CURVE
            spec = replace(self.development.spec, forecasters=fixed)
            fitted = fit_models(self.development.data, spec, replace(fold, train=train))
            self._models = (fold.index, pool), fitted
        return self._models[1]

    def put(self, name: str, pool: int, fold: Fold, seed: int, logits: Sequence[FloatArray]) -> None:
        values = stack(logits, self.development.test_rows(fold)).astype(np.float32)
        np.save(self.path(name, pool, fold.index, seed), values)

    def fit(self, names: Sequence[str], pool: int, seed: int) -> Iterator[str]:
        """What is missing of the fixed forecasters (no name) or of these networks, a line a fit."""
        for fold in self.development.folds:
            if not self.path(DECIDER, pool, fold.index).exists():
                began = time.monotonic()
                models = self.models(fold, pool)
                for one in FIXED:
                    if one.name in models.logits:
                        self.put(one.name, pool, fold, 0, models.logits[one.name])
                np.save(self.path("regime", pool, fold.index), stack(models.regime, self.development.test_rows(fold)))
                yield f"fixed forecasters, {pool} coins, fold {fold.index}: {time.monotonic() - began:.0f} s"
            for name in names:
                if self.path(name, pool, fold.index, seed).exists():
                    continue
                began = time.monotonic()
                models, agent = self.models(fold, pool), self.agents[name]
                panel = self.development.spec.weights.on_training(models.panel, models.rows, self.development.data)
                made: dict[str, FittedForecaster]
                if isinstance(agent, ContrastiveAgent):
                    (both,) = agent.fit_seeds(panel, models.rows, seeds=[seed])
                    made = {name: both.fitted}
                    if both.control is not None:
                        made[CONTROL] = both.control
                    training = both.fitted.training
                else:
                    network = agent.fit(panel, models.rows, seed=seed)
                    made, training = {name: network}, network.training
                for own, fitted in made.items():
                    self.put(own, pool, fold, seed, of_block(fitted, panel.X, fold.test))
                spent = time.monotonic() - began
                yield f"{name}, {pool} coins, fold {fold.index}, seed {seed}: {spent:.0f} s; {training}"


def of_block(fitted: FittedForecaster, X: Sequence[FloatArray], test: Rows) -> list[FloatArray]:
    """Log-odds of a block of test rows, (n_bars, 2) a symbol: only what they look back on is computed as well."""
    found = [np.full((len(x), 2), np.nan) for x in X]
    for logits, x, mask in zip(found, X, test, strict=True):
        rows = np.flatnonzero(mask)
        if len(rows):
            first, end = max(0, int(rows[0]) - fitted.memory), int(rows[-1]) + 1
            logits[first:end] = fitted.logits(x[first:end])
    return found


class Table:
    """Calibrated losses of the test rows of all folds, and their gains over others with intervals."""

    def __init__(self, cells: Cells, seeds: int) -> None:
        development = cells.development
        self.cells, self.seeds, self.folds = cells, seeds, development.folds
        tested = [development.test_rows(fold) for fold in self.folds]
        labels = [development.data.stacked(rows) for rows in tested]
        self.y, self.weight = (np.concatenate([getattr(one, n) for one in labels]) for n in ("target", "weight"))
        self.start = np.concatenate([one.start for one in labels])
        self.fold = np.repeat([fold.index for fold in self.folds], [len(one.start) for one in labels])
        self.coin = np.concatenate([np.repeat(np.arange(len(rows)), [m.sum() for m in rows]) for rows in tested])
        self.trains = [
            np.concatenate([stack(f.train, rows) for rows in tested]) & (self.fold < f.index) for f in self.folds
        ]
        self._rates = [self._rate(fold) for fold in self.folds]

    def _rate(self, fold: Fold) -> FloatArray:
        trained = self.cells.development.data.stacked(fold.train)
        return base_rate(trained.target, trained.weight)

    def overlap(self, rows: BoolArray) -> Overlap:
        development = self.cells.development
        return Overlap(self.start[rows], interval_ms(development.data.interval), development.spec.barriers.horizon)

    def runs(self, name: str, pool: int) -> list[int]:
        """Seeds with which it was fitted on every fold."""
        n = 1 if name in FIXED_NAMES else self.seeds
        return [s for s in range(n) if all(self.cells.path(name, pool, f.index, s).exists() for f in self.folds)]

    def probabilities(self, name: str, pool: int) -> FloatArray:
        """(n_seeds, n, 2), each fold calibrated on the earlier test blocks that lie in its training part."""
        if name == ENSEMBLE:
            return np.stack([self.ensemble(pool, seed) for seed in self.runs("transformer", pool)])
        raw = [
            np.concatenate([self.cells.of(name, pool, f.index, s) for f in self.folds]) for s in self.runs(name, pool)
        ]
        return np.stack([expit(self.calibrated(one)) for one in raw])

    def calibrated(self, raw: FloatArray) -> FloatArray:
        found = raw.copy()
        for fold, trains, rate in zip(self.folds, self.trains, self._rates, strict=True):
            fitted = fit_calibration(raw[trains], self.y[trains], self.weight[trains], base_rate=rate)
            mine = self.fold == fold.index
            found[mine] = fitted.logits(raw[mine])
        return found

    def ensemble(self, pool: int, seed: int) -> FloatArray:
        """Weights from earlier test blocks; in the first, which has none, the logistic."""
        raw = {
            name: np.concatenate(
                [self.cells.of(name, pool, f.index, 0 if name in FIXED_NAMES else seed) for f in self.folds]
            )
            for name in MEMBERS
        }
        regime = np.concatenate([self.cells.of("regime", pool, f.index) for f in self.folds])
        found = self.calibrated(raw[DECIDER])
        for fold, trains, rate in zip(self.folds, self.trains, self._rates, strict=True):
            if not trains.any():
                continue
            fitted = Ensemble(DECIDER).fit(
                {name: one[trains] for name, one in raw.items()},
                regime[trains], self.y[trains], self.weight[trains], base_rate=rate,
            )  # fmt: skip
            mine = self.fold == fold.index
            found[mine] = fitted.logits({name: one[mine] for name, one in raw.items()}, regime[mine])
        return np.asarray(expit(found))

    def gain(self, name: str, other: str, rows: BoolArray, pool: int, other_pool: int) -> LossDifference:
        one, two = (
            np.stack([log_loss(p[rows], self.y[rows]) for p in self.kept(n, k)])
            for n, k in ((name, pool), (other, other_pool))
        )
        fixed = (name in FIXED_NAMES[:-1], other in FIXED_NAMES[:-1])
        if any(len(losses) < 2 and not known for losses, known in zip((one, two), fixed, strict=True)):
            fixed = (True, True)  # with one seed the interval is over other times alone
        return loss_difference(one, two, self.overlap(rows), fixed=fixed)

    def kept(self, name: str, pool: int) -> FloatArray:
        found = self.__dict__.setdefault("_kept", {})
        if (name, pool) not in found:
            found[name, pool] = self.probabilities(name, pool)
        return np.asarray(found[name, pool])

    def print_agents(self) -> None:
        """Every forecaster on all coins, trained on all."""
        pool = len(self.cells.development.data.symbols)
        everyone = np.ones(len(self.y), bool)
        effective = self.weight.sum(axis=0).mean()
        print(f"\n{pool} coins, n = {len(self.y):,} forecasts worth {effective:,.0f} that overlap nothing; millinats\n")
        print(
            "| forecaster | seeds | AUC | over the base rate | over volatility alone | over the ridge logistic | "
            "over XGBoost |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        names = [*(one.name for one in FIXED), ENSEMBLE, "transformer", "resnet", ALONE, FOCAL, SUPCON, CONTROL]
        for name in names:
            seeds = self.runs("transformer" if name == ENSEMBLE else SUPCON if name == CONTROL else name, pool)
            if not seeds:
                continue
            area = np.mean([auc(p, self.y) or np.nan for p in self.kept(name, pool)])
            cells = [
                "" if name == other else shown(self.gain(name, other, everyone, pool, pool))
                for other in ("base_rate", "volatility_only", DECIDER, "boosted")
            ]
            n = "-" if name in FIXED_NAMES[:-1] else str(len(seeds))
            print(f"| {LABELS.get(name, name.replace('_', ' '))} | {n} | {area:.4f} | {' | '.join(cells)} |")

    def print_curve(self) -> None:
        """What was trained on fewer coins, on the first coins and on all others."""
        full = len(self.cells.development.data.symbols)
        few, rest = self.coin < 4, self.coin >= 4
        print(
            f"\nTrained on the first k of {full} coins; the first four n = {few.sum():,}, "
            f"the others n = {rest.sum():,}\n"
        )
        print(
            "| forecaster | k | the four over the base rate | the others over the base rate | "
            "the others over the logistic of as many |"
        )
        print("| --- | --- | --- | --- | --- |")
        for name in (DECIDER, "boosted", "transformer", ALONE):
            for pool in (*POOLS, full):
                if not self.runs(name, pool):
                    continue
                cells = [
                    shown(self.gain(name, "base_rate", few, pool, full)),
                    shown(self.gain(name, "base_rate", rest, pool, full)),
                    "" if name == DECIDER else shown(self.gain(name, DECIDER, rest, pool, pool)),
                ]
                print(f"| {LABELS.get(name, name)} | {pool} | {' | '.join(cells)} |")


@one_thread()
def main() -> None:
    """Fit what is missing, until the time is up, and print what is there."""
    folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[3].isdigit() else 2
    minutes = float(sys.argv[4]) if len(sys.argv) > 4 else None
    began = time.monotonic()
    market = pooled(folder)
    config = RunConfig.model_validate({"folds": {"n_folds": N_FOLDS}})
    spec = replace(experiment_on(market, config), forecasters=FIXED, challengers=())
    cells = Cells(cache, DevelopmentFolds.of(market, spec, networks()))
    full = len(market.symbols)
    on_top = ("transformer", "resnet", ALONE)
    work: list[tuple[Sequence[str], int, int]] = [(on_top, full, 0), *(((), pool, 0) for pool in POOLS)]
    work += [((FOCAL,), full, 0), *((("transformer",), pool, 0) for pool in POOLS)]
    work += [(tuple(cells.agents), full, seed) for seed in range(seeds)]
    print(f"{market.title}; {len(market.bars):,} bars", flush=True)
    for names, pool, seed in work if "print" not in sys.argv else ():
        for line in cells.fit(names, pool, seed):
            print(f"[{time.monotonic() - began:5.0f} s] {line}", flush=True)
            if minutes is not None and time.monotonic() - began > 60 * minutes:
                print("time is up; call again for the rest", flush=True)
                return
    table = Table(cells, seeds)
    table.print_agents()
    table.print_curve()


if __name__ == "__main__":
    main()
