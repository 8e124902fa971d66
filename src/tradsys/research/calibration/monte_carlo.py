"""The Monte Carlo study: markets of known truth through the whole flow, results appended to a file as they come."""

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tradsys.core.errors import DataError, FitError
from tradsys.core.json_text import read_json
from tradsys.core.time import DAY_MS
from tradsys.data.market import load_market
from tradsys.journal.trial import TrialSeries
from tradsys.machine.plan import Plan
from tradsys.machine.processes import completed, process_pool
from tradsys.research.calibration.competing_trials import N_RULES, competing_trials
from tradsys.research.calibration.rates import Line
from tradsys.research.calibration.scenarios import Preset, Scenario, calibration_experiment, scenario_named
from tradsys.research.judging.trials import trial_series
from tradsys.research.walk.experiment import Progress, run_experiment
from tradsys.runs.manifest import code_digest
from tradsys.verdict.procedure import judge
from tradsys.verdict.results import VerdictSpec

TRIALS = (20, 100)
"""Numbers of trials, the run's own profiles included, besides those profiles alone."""

SHORTER_DAYS = (200, 300, 500)
"""Beginnings of the record that are judged on their own, as if history ended there."""

_KEPT = ("verdict", "n_trades", "p", "p_net", "p_alpha", "p_skill", "upper_bound", "sharpe")


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
    judged = partial(judge, spec=spec.verdict, benchmark=spec.benchmark, guard_bars=guard_bars, seed=spec.seed)
    judgement = judged(own)
    line: dict[str, Any] = {
        **replication.to_dict(),
        "code": code_digest()[:12],
        "n_days": judgement.n_days,
        "detectable_sharpe": judgement.detectable_sharpe,
        "silent_folds": sum(not result.predictor.valuation.calibration.slope.any() for result in outcome.results),
        "profiles": {name: {key: getattr(one, key) for key in _KEPT} for name, one in judgement.profiles.items()},
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


FIRST_SEED = 1_000_000
"""Markets are drawn from this seed on, far from the seeds that people try by hand."""


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """Markets that were tried, in a file that only ever grows; for one writer."""

    path: Path

    def read(self) -> list[Line]:
        """All whole lines; one that a killed process left unfinished at the end is no result."""
        if not self.path.is_file():
            return []
        lines = self.path.read_bytes().split(b"\n")
        return [self._parse(number, line) for number, line in enumerate(lines[:-1], 1)]

    def append(self, line: Line) -> None:
        """Add one market and put it on the disk; a broken end of the file is cut off first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            stored = self.path.read_bytes()
            file.truncate(stored.rfind(b"\n") + 1)
            file.write(json.dumps(line, sort_keys=True, allow_nan=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _parse(self, number: int, line: bytes) -> Line:
        try:
            parsed: Line = read_json(line)
            parsed["cell"], parsed["seed"], parsed["preset"], parsed["profiles"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"line {number} of {self.path} is no result of a calibration ({error}); delete the line or the file"
            ) from None
        return parsed


def planned_replications(
    preset: Preset, scenarios: Sequence[Scenario], n_markets: int, *, competitors_every: int = 1
) -> list[Replication]:
    """The first `n_markets` of every scenario, seed after seed; every few of them among competing trials."""
    return [
        Replication(preset, scenario.name, FIRST_SEED + i, competitors_every > 0 and i % competitors_every == 0)
        for i in range(n_markets)
        for scenario in scenarios
    ]


def calibrate(
    wanted: Sequence[Replication],
    results: ResultsFile,
    *,
    n_processes: int,
    plan: Plan | None = None,
    progress: Progress = lambda *_: None,
) -> int:
    """Try every market that the results do not hold yet; returns how many were tried now.

    `plan` is what each process may take of the machine.
    """
    known = {(line["preset"], line["cell"], line["seed"]) for line in results.read()}
    missing = [one for one in wanted if (one.preset, one.scenario, one.seed) not in known]
    if not missing:
        return 0
    count = _with_estimate(progress, len(wanted), len(missing))
    if n_processes > 1:
        _in_parallel(missing, results, n_processes, plan, count)
        return len(missing)
    for replication in missing:
        results.append(replicate(replication, plan))
        count(replication)
    return len(missing)


def _in_parallel(
    missing: Sequence[Replication],
    results: ResultsFile,
    n_processes: int,
    plan: Plan | None,
    count: Callable[[Replication], None],
) -> None:
    try:
        with process_pool(n_processes) as pool:
            # the first market alone, so that two processes never store the same compiled kernel at once
            for part in (missing[:1], missing[1:]):
                submitted = {pool.submit(replicate, replication, plan): replication for replication in part}
                for future in completed(submitted):
                    results.append(future.result())
                    count(submitted[future])
    except BrokenProcessPool:
        raise FitError(
            "a process that tried a market was killed, probably for memory; run the same command again with fewer "
            "--processes: what was finished is kept"
        ) from None


def _with_estimate(progress: Progress, n_wanted: int, n_missing: int) -> Callable[[Replication], None]:
    """Counts markets and says how long the rest will take."""
    began, n_done = time.monotonic(), 0

    def count(replication: Replication) -> None:
        nonlocal n_done
        n_done += 1
        left = (time.monotonic() - began) / n_done * (n_missing - n_done)
        progress(
            f"{replication.scenario} {replication.seed}, about {left / 60:.0f} min left",
            n_wanted - n_missing + n_done,
            n_wanted,
        )

    return count
