"""One market of known truth through the flow of a run: what was tried on it, and what the verdict says."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.threads import one_thread
from tradsys.core.time import DAY_MS
from tradsys.data.market import Market, load_market
from tradsys.journal.trial import TrialSeries
from tradsys.machine.plan import Plan
from tradsys.research.calibration.competing_trials import N_RULES, competing_trials
from tradsys.research.calibration.scenarios import Preset, Scenario, calibration_experiment, scenario_named
from tradsys.research.judging.trials import Tried, trial_series
from tradsys.research.lookahead.stamps import check_stamps
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.walk.experiment import Outcome, run_experiment
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.runs.manifest import code_digest
from tradsys.settings.market import with_ranks
from tradsys.verdict.alpha import Benchmark
from tradsys.verdict.procedure import judge
from tradsys.verdict.results import ProfileVerdict, VerdictSpec

TRIALS = (20, 100)
"""Numbers of trials, the run's own profiles included, besides those profiles alone."""

SHORTER_DAYS = (200, 300, 500)
"""Beginnings of the record that are judged on their own, as if history ended there."""

_KEPT = (
    "verdict",
    "n_trades",
    "p",
    "p_net",
    "p_alpha",
    "p_skill",
    "upper_bound",
    "sharpe",
    "leg",
    "kept_late",
    "p_late",
    "until",
)


@dataclass(frozen=True, slots=True)
class Replication:
    """One simulated market: its scenario, its seed, and whether competing trials join the run's own."""

    preset: Preset
    scenario: str
    seed: int
    has_competitors: bool

    def to_dict(self) -> dict[str, Any]:
        """Its part of the line that the results file keeps."""
        return {"preset": self.preset, "cell": self.scenario, "seed": self.seed, "with_rivals": self.has_competitors}


@dataclass(frozen=True, slots=True)
class _Tried:
    """What one market's run tried: its own trials, how they are judged, and the experiment where there was one."""

    own: list[TrialSeries]
    spec: Tried
    guard_bars: int
    experiment: tuple[Outcome, Experiment] | None = None

    @property
    def silent_folds(self) -> int | None:
        """Folds without any skill in the training part; None where nothing is fitted."""
        if self.experiment is None:
            return None
        return sum(not one.predictor.valuation.calibration.slope.any() for one in self.experiment[0].results)


@one_thread()
def replicate(replication: Replication, plan: Plan | None = None) -> dict[str, Any]:
    """Run what the scenario tries on one market, within the plan, and judge it: the line that the results file keeps.

    A run that refuses its bars has a line with the reason and without profiles.
    """
    began = time.process_time()
    scenario = scenario_named(replication.scenario)
    line: dict[str, Any] = {**replication.to_dict(), "code": code_digest()[:12]}
    try:
        market = with_ranks(
            load_market([f"simulated:{scenario.recipe}"], seed=replication.seed), scenario.config(replication.seed)
        )
        tried = _try(scenario, market, replication, plan)
    except NotEnoughBars:  # a fault of the scenario, and no refusal of what its bars hold
        raise
    except DataError as error:
        refused = {"refused": str(error), "profiles": {}, "shorter": {}}
        return line | refused | {"cpu_s": round(time.process_time() - began, 2)}
    own = tried.own
    rules, benchmark = tried.spec.verdict, tried.spec.benchmark
    guard_bars, seed = tried.guard_bars, replication.seed
    judged = partial(judge, spec=rules, benchmark=benchmark, guard_bars=guard_bars, seed=seed)
    shorter = partial(shorter_verdicts, own, spec=rules, guard_bars=guard_bars, seed=seed, benchmark=benchmark)
    judgement = judged(own)
    line |= {
        "n_days": judgement.n_days,
        "detectable_sharpe": judgement.detectable_sharpe,
        "silent_folds": tried.silent_folds,
        "profiles": {name: {key: getattr(one, key) for key in _KEPT} for name, one in judgement.profiles.items()},
        "shorter": {str(n_days): shorter(n_days=n_days) for n_days in SHORTER_DAYS},
    }
    if replication.has_competitors and tried.experiment is not None:
        n_models = (max(TRIALS) - len(own)) // N_RULES
        competitors = competing_trials(*tried.experiment, own[0], n_models, seed=replication.seed)
        line["among"] = {}
        for n_trials in TRIALS:
            all_judged = judged([*own, *competitors[: n_trials - len(own)]])
            proven = [name for name, one in all_judged.profiles.items() if _is_proven(one, scenario)]
            line["among"][str(n_trials)] = {
                "any": len(proven) > 0,
                "own": [p for p in proven if p in judgement.profiles],
            }
    return line | {"cpu_s": round(time.process_time() - began, 2)}


def _try(scenario: Scenario, market: Market, replication: Replication, plan: Plan | None) -> _Tried:
    if scenario.procedure == "ranks":
        config = scenario.config(replication.seed)
        procedure = RankProcedure.of(market, config)
        procedure.check_stamps(market)
        ranks = procedure.simulate(market, lambda *_: None)
        return _Tried(trial_series(ranks.simulations), ranks.spec, ranks.guard_bars)
    spec = calibration_experiment(
        replication.preset,
        seed=replication.seed,
        settings=scenario.settings,
        n_symbols=len(market.symbols),
        sides=market.sides,
        plan=plan,
    )
    check_stamps(market, spec.features)
    outcome = run_experiment(market, spec)
    return _Tried(trial_series(outcome.simulations), spec, outcome.guard_bars(spec), (outcome, spec))


def _is_proven(verdict: ProfileVerdict, scenario: Scenario) -> bool:
    """Whether it is called proven; where the edge has died, proven until a date is not."""
    return verdict.verdict == "proven" and not (scenario.truth == "died" and verdict.until)


def shorter_verdicts(
    own: Sequence[TrialSeries],
    n_days: int,
    spec: VerdictSpec,
    guard_bars: int,
    seed: int,
    *,
    benchmark: Benchmark = "symbols",
) -> dict[str, str]:
    """Verdicts on the first `n_days` of the record, where the minimum of days would let them stand.

    Trades are pro-rated by the share of held bars.
    """
    end_ms = int(own[0].days[n_days] if n_days < len(own[0].days) else own[0].days[-1] + 1) * DAY_MS
    cut = int(np.searchsorted(own[0].grid, end_ms))
    short = []
    for trial in own:
        held = np.count_nonzero(trial.position)
        share = np.count_nonzero(trial.position[:, :cut]) / held if held else 0.0
        short.append(
            replace(
                trial,
                days=trial.days[:n_days],
                daily=trial.daily[:n_days],
                delayed=None if trial.delayed is None else trial.delayed[:n_days],
                grid=trial.grid[:cut],
                position=trial.position[:, :cut],
                opens=trial.opens[:, :cut],
                n_trades=round(trial.n_trades * share),
            )
        )
    rules = replace(spec, min_days=min(spec.min_days, n_days))
    judged = judge(short, spec=rules, benchmark=benchmark, guard_bars=guard_bars, seed=seed)
    return {name: one.verdict for name, one in judged.profiles.items() if one.p is not None}
