"""One replication of the calibration: a simulated market with known truth through the whole flow, and its record."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tradsys.core.time import DAY_MS
from tradsys.data.market import load_market
from tradsys.journal.trial import TrialSeries
from tradsys.machine.plan import Plan
from tradsys.research.calibration.competing_trials import N_RULES, competing_trials
from tradsys.research.calibration.scenarios import Preset, calibration_experiment, scenario_named
from tradsys.research.judging.trials import trial_series
from tradsys.research.walk.experiment import run_experiment
from tradsys.runs.manifest import code_digest
from tradsys.verdict.procedure import judge
from tradsys.verdict.results import ProfileVerdict, VerdictSpec

TRIALS = (20, 100)
"""Numbers of trials, the run's own profiles included, besides those profiles alone."""

SHORTER_DAYS = (200, 300, 500)
"""Beginnings of the record that are judged on their own, as if history ended there."""

_KEPT = ("verdict", "n_trades", "p", "p_net", "p_skill", "upper_bound", "sharpe")


@dataclass(frozen=True, slots=True)
class Replication:
    """One simulated market: its scenario, its seed, and whether competing trials join the run's own."""

    preset: Preset
    scenario: str
    seed: int
    has_competitors: bool

    def to_dict(self) -> dict[str, Any]:
        """Its part of the line that the results file keeps."""
        return {
            "preset": self.preset,
            "cell": self.scenario,
            "seed": self.seed,
            "with_rivals": self.has_competitors,
        }


def replicate(replication: Replication, plan: Plan | None = None) -> dict[str, Any]:
    """Run the experiment on one market, within the plan, and judge it: the line that the results file keeps."""
    began = time.process_time()
    scenario = scenario_named(replication.scenario)
    market = load_market([f"simulated:{scenario.recipe}"], seed=replication.seed)
    spec = calibration_experiment(
        replication.preset, seed=replication.seed, costs=scenario.costs, sides=market.sides, plan=plan
    )
    outcome = run_experiment(market, spec)
    own = trial_series(outcome.simulations)
    guard_bars = outcome.guard_bars(spec)
    judged = partial(judge, spec=spec.verdict, guard_bars=guard_bars, seed=spec.seed)
    judgement = judged(own)
    line: dict[str, Any] = {
        **replication.to_dict(),
        "code": code_digest()[:12],
        "n_days": judgement.n_days,
        "detectable_sharpe": judgement.detectable_sharpe,
        "silent_folds": sum(not result.predictor.valuation.calibration.slope.any() for result in outcome.results),
        "profiles": {name: _kept(one) for name, one in judgement.profiles.items()},
        "shorter": {str(n): shorter_verdicts(own, n, spec.verdict, guard_bars, spec.seed) for n in SHORTER_DAYS},
    }
    if replication.has_competitors:
        n_models = (max(TRIALS) - len(own)) // N_RULES
        competitors = competing_trials(outcome, spec, own[0], n_models, seed=replication.seed)
        line["among"] = {}
        for n_trials in TRIALS:
            all_judged = judged([*own, *competitors[: n_trials - len(own)]])
            proven = [name for name, one in all_judged.profiles.items() if one.verdict == "proven"]
            line["among"][str(n_trials)] = {
                "any": len(proven) > 0,
                "own": [p for p in proven if p in judgement.profiles],
            }
    return line | {"cpu_s": round(time.process_time() - began, 2)}


def shorter_verdicts(
    own: Sequence[TrialSeries], n_days: int, spec: VerdictSpec, guard_bars: int, seed: int
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
                grid=trial.grid[:cut],
                position=trial.position[:, :cut],
                opens=trial.opens[:, :cut],
                n_trades=round(trial.n_trades * share),
            )
        )
    judged = judge(short, spec=replace(spec, min_days=min(spec.min_days, n_days)), guard_bars=guard_bars, seed=seed)
    return {name: one.verdict for name, one in judged.profiles.items() if one.p is not None}


def _kept(one: ProfileVerdict) -> dict[str, Any]:
    values = asdict(one)
    return {name: values[name] for name in _KEPT}
