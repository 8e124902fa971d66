"""A whole study: open or go on, batch after batch, then the golden configuration."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tradsys.core.errors import ConfigError, FitError
from tradsys.core.files import check_writable
from tradsys.core.identity import digest_of
from tradsys.core.threads import one_thread
from tradsys.core.time import format_interval, interval_ms, ts_ms
from tradsys.data.market import Market
from tradsys.journal.judged import JudgedData
from tradsys.journal.ledger import Ledger
from tradsys.machine.plan import Plan
from tradsys.research.judging.trials import data_of, judged_data
from tradsys.research.lookahead.stamps import check_stamps
from tradsys.research.tuning.evaluate import evaluator
from tradsys.research.tuning.golden import INCUMBENT, Golden, choose, write_golden
from tradsys.research.tuning.objective import MEASURES, Measure, Span
from tradsys.research.tuning.out_of_fold import first_training_part
from tradsys.research.tuning.space import Range, SearchSpace
from tradsys.research.tuning.storage import locked_study, open_storage
from tradsys.research.tuning.study import StudyPlan, TuningStudy
from tradsys.research.tuning.trial import FinishedTrial
from tradsys.research.tuning.zoom import best_region, within
from tradsys.research.walk.experiment import Progress
from tradsys.research.walk.experiment_spec import experiment_from, experiment_on
from tradsys.runs.at_work import at_work
from tradsys.runs.manifest import code_digest
from tradsys.settings.config import RunConfig

_BARRIERS = {"labels.upper", "labels.lower", "labels.horizon"}


@dataclass(frozen=True, slots=True)
class StudyBudget:
    """The budget of a study: trials in all, side by side, seeds of each, and seconds until no batch begins.

    `plan` is what all processes together may take of the machine.
    """

    n_trials: int = 50
    batch: int = 4
    n_seeds: int = 2
    n_processes: int = 1
    time_limit_s: float | None = None
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class StudyResult:
    """The result of a study: its trials, the golden one and its file; `n_new` were finished now."""

    name: str
    trials: Sequence[FinishedTrial]
    golden: Golden
    path: Path
    about: dict[str, Any]
    n_new: int

    @property
    def text(self) -> str:
        """The result in a few lines, for a terminal."""
        chosen, about = self.golden.chosen, self.about
        changed = ", ".join(f"{key}={value}" for key, value in chosen.settings.items())
        counts = (
            f"{about['n_trials']} trials ({self.n_new} now), {about['n_pruned']} pruned, {about['n_failed']} failed"
        )
        return "\n".join(
            [
                f"study {self.name}: {counts}; {about['measure']} inside {about['from'][:10]} to {about['to'][:10]}",
                f"  golden: trial {chosen.number}, {chosen.score.mean:+.2f} nats a year less "
                f"{chosen.score.instability:.2f} for instability",
                f"  {changed}",
                f"  {self.golden.why}",
                f"  next: tradsys run --config {self.path}",
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """The result with every trial, as plain JSON values."""
        evidence = {"why": self.golden.why, "chosen": self.golden.chosen.to_dict(), "golden": str(self.path)}
        return {**self.about, "n_new": self.n_new, **evidence, "trials": [one.to_dict() for one in self.trials]}


@one_thread()
def tune(
    market: Market,
    base: RunConfig,
    space: SearchSpace,
    *,
    ledger: Ledger,
    budget: StudyBudget,
    measure: str | None = None,
    study: str | None = None,
    zoom_in: str | None = None,
    storage: str | None = None,
    progress: Progress = lambda *_: None,
) -> StudyResult:
    """Run a study, or the rest of it, and write its golden configuration; `base` is the incumbent.

    Nothing after the first training part is looked at. The same call again goes on where the last one stopped, and
    where that one had finished changes nothing. `storage` names a server instead of a file (`open_storage`).
    """
    if base.portfolio.limit_entry is not None:
        raise ConfigError(
            "tradsys tune scores forecasts of trades that are entered at the market, found portfolio.entry=limit; tune "
            "without it, and run with it"
        )
    root = ledger.path.parent / "tuning"
    check_writable(root, "studies go", "name another folder with --journal")
    check_stamps(market, experiment_from(base).features, base.alignment.allow_lead)
    ledger.keep_paths(market.paths)
    region = None if zoom_in is None else best_region(root, zoom_in, storage)
    space = space if region is None else within(space, region.space)
    plan = StudyPlan(
        data_of(market), base, space.reachable(base.settings), _measure(measure, space), budget.n_seeds, zoom_in or ""
    )
    name = study or _name(market, plan)
    if not re.fullmatch(r"[\w][\w.-]*", name):
        raise ConfigError(f"a study's name is made of letters, digits, '.', '-' and '_', was {name!r}")
    part = first_training_part(market, base, _longest_horizon(plan))
    plan = replace(plan, judged=_scored_in(part, market))
    with locked_study(root / name), at_work(root, f"study {name}", progress) as progress:
        kept = open_storage(root / name, storage)
        opened = TuningStudy.open(name, plan, kept, ledger, code=code_digest(), is_shared=storage is not None)
        n_before = len(opened.finished())
        with opened.heartbeat():
            opened.recover()
            opened.enqueue({key: base.settings[key] for key in plan.space.keys}, INCUMBENT)
            if region is not None:
                opened.enqueue(region.centre.settings, f"centre of {zoom_in}")
            _work(opened, part, budget, progress)
        trials = opened.finished()
        golden = choose(trials)
        about = _about(opened, part, trials, market)
        path = write_golden(root / name, golden, base.with_settings(golden.chosen.settings), about)
    return StudyResult(name, trials, golden, path, about, len(trials) - n_before)


def _work(study: TuningStudy, part: Market, budget: StudyBudget, progress: Progress) -> None:
    """Batches until there are enough trials or the time is up."""
    began = time.monotonic()
    specs = partial(experiment_on, part)
    span = Span(*_open_to_close(part), interval_ms(part.interval))
    trials = study.finished()
    progress(_best(trials), len(trials), budget.n_trials)
    if len(trials) >= budget.n_trials:
        return
    with evaluator(part, budget.n_processes, budget.plan) as evaluate:
        while (missing := budget.n_trials - len(trials)) > 0:
            if budget.time_limit_s is not None and time.monotonic() - began >= budget.time_limit_s and trials:
                return
            study.run_batch(min(budget.batch, missing), evaluate, specs, span)
            trials = study.finished()
            progress(_best(trials), len(trials), budget.n_trials)
            if not any(one.is_complete or one.outcome == "pruned" for one in trials):
                raise FitError(f"no trial of the first batch could be scored: {trials[0].outcome}")


def _open_to_close(part: Market) -> tuple[int, int]:
    """When the first bar opens and the last has closed, ms."""
    times = ts_ms(part.bars)
    return int(times.min()), int(times.max()) + interval_ms(part.interval)


def _scored_in(part: Market, market: Market) -> JudgedData | None:
    """What of the market a study looks at, as the ledger knows it; of no bars, nothing."""
    return None if part.bars.is_empty() else judged_data(market, *_open_to_close(part))


def _best(trials: Sequence[FinishedTrial]) -> str:
    complete = [one for one in trials if one.is_complete]
    if not complete:
        return "first batch"
    best = max(complete, key=lambda one: one.score.objective)
    return f"best so far: trial {best.number}, {best.score.objective:+.2f} nats a year"


def _measure(wanted: str | None, space: SearchSpace) -> Measure:
    """The objective: growth after costs where barriers are compared, since close ones inform often and pay for it."""
    if wanted is None:
        return "growth" if _BARRIERS & set(space.keys) else "skill"
    if wanted not in MEASURES:
        raise ConfigError(f"no measure is called {wanted!r}; there are {' and '.join(MEASURES)}")
    return wanted


def _longest_horizon(plan: StudyPlan) -> int:
    horizon = next((one for one in plan.space.parameters if one.key == "labels.horizon"), None)
    tuned = int(horizon.high) if isinstance(horizon, Range) else 0
    return max(tuned, plan.base.labels.horizon)


def _name(market: Market, plan: StudyPlan) -> str:
    """A study's name: the same question about the same data is the same study."""
    digest = digest_of(plan.to_dict())[:8]
    symbols = "-".join(market.symbols[:3]).lower()
    plain = "".join(c if c.isalnum() else "-" for c in symbols).strip("-")
    return f"{plain}-{format_interval(market.interval)}-{digest}"


def _about(study: TuningStudy, part: Market, trials: Sequence[FinishedTrial], market: Market) -> dict[str, Any]:
    plan = study.plan
    return {
        "study": study.name,
        "parent": plan.parent,
        "market": plan.data.market.rpartition(" ")[0],
        "interval": format_interval(market.interval),
        "sources": market.sources,
        "fingerprint": plan.data.fingerprint,
        "from": str(part.bars["ts"].min()),
        "to": str(part.bars["ts"].max()),
        "n_bars": len(part.bars),
        "measure": plan.measure,
        "n_seeds": plan.n_seeds,
        "n_trials": len(trials),
        "n_pruned": sum(one.outcome == "pruned" for one in trials),
        "n_failed": sum(one.outcome not in ("complete", "pruned") for one in trials),
        "space": [str(one) for one in plan.space.parameters],
        "ledger_head": study.ledger.head,
        "code": study.code,
    }
