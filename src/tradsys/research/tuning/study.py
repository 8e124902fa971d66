"""A study: trials asked in batches, scored fold by fold, pruned, finished once, and found again after a crash."""

import json
import socket
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tradsys.core.errors import ConfigError
from tradsys.core.identity import SCHEMA, identity
from tradsys.core.json_text import canonical_json
from tradsys.core.seeds import derive
from tradsys.core.settings import flattened
from tradsys.journal.entries import Data, TuningTrial
from tradsys.journal.judged import JudgedData
from tradsys.journal.ledger import Ledger
from tradsys.research.tuning.evaluate import Evaluate
from tradsys.research.tuning.objective import Measure, Span, TrialScore
from tradsys.research.tuning.out_of_fold import N_FOLDS, FoldFit
from tradsys.research.tuning.space import SearchSpace, Settings, Value
from tradsys.research.tuning.storage import heartbeat, is_elsewhere
from tradsys.research.tuning.trial import FinishedTrial, RunningTrial, is_finished, read_trial
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.settings.config import RunConfig

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna import Trial as OptunaTrial
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

N_RANDOM = 10
"""Trials that are drawn at random before the sampler learns from them."""

KEPT_PERCENT = 60.0
"""Of the finished trials, how many a trial must not fall behind at the same fold to go on."""


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The identity of a study: what makes its scores comparable and never changes; its name has a digest of it.

    `judged` is the training part that it scores in, which follows from the rest.
    """

    data: Data
    base: RunConfig
    space: SearchSpace
    measure: Measure
    n_seeds: int
    parent: str = ""
    judged: JudgedData | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, of which a study's digest is made."""
        return {
            "schema": SCHEMA,
            "fingerprint": self.data.fingerprint,
            "settings": {"seed": self.base.seed, **flattened(identity(self.base))},
            "space": self.space.to_dict(),
            "measure": self.measure,
            "n_seeds": self.n_seeds,
            "n_folds": N_FOLDS,
            "parent": self.parent,
        }


def difference(known: str, about: str) -> str:
    """In words, how two plans differ, both as JSON."""
    then, now = json.loads(known), json.loads(about)
    keys = [key for key in now if then.get(key) != now[key]]
    if keys == ["settings"]:
        before, after = then["settings"], now["settings"]
        changed = [key for key in sorted(before | after) if before.get(key) != after.get(key)]
        default = RunConfig().settings
        return "other settings: " + ", ".join(f"{key}={before.get(key, default[key])}" for key in changed)
    names = {"fingerprint": "other bars", "space": "another search space", "settings": "other settings"}
    return " and ".join(names.get(key, f"{key} {then.get(key)}") for key in keys)


@dataclass(slots=True)
class TuningStudy:
    """One process's hold on a study; `locked_study` keeps others of this machine away."""

    name: str
    plan: StudyPlan
    ledger: Ledger
    code: str
    is_shared: bool
    _study: "OptunaStudy"
    _host: str = field(default_factory=socket.gethostname)

    @classmethod
    def open(
        cls, name: str, plan: StudyPlan, storage: "BaseStorage", ledger: Ledger, *, code: str, is_shared: bool = False
    ) -> "TuningStudy":
        """Create the study or go on with it; a study of that name about something else is refused.

        `is_shared` says that other hosts may work on it too.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            study_name=name, storage=storage, direction="maximize", load_if_exists=True, pruner=_pruner()
        )
        about = canonical_json(plan.to_dict())
        known = study.user_attrs.get("plan")
        if known is None:
            study.set_user_attr("plan", about)
        elif known != about:
            raise ConfigError(f"study {name!r} was made with {difference(known, about)}; give another --study")
        return cls(name, plan, ledger, code, is_shared, study)

    def recover(self) -> int:
        """Finish or ask again, once, what a process that is gone left running; returns how many are asked again."""
        from optuna.trial import TrialState

        trials = self._study.get_trials(deepcopy=False)
        asked_again = {trial.user_attrs.get("reruns") for trial in trials}
        n_again = 0
        for trial in trials:
            # another host may still be working on it; on this one nobody is, since `locked_study` let us in
            host = trial.user_attrs.get("host")
            if trial.state != TrialState.RUNNING or is_elsewhere(self._study, host, self._host):
                continue
            if "result" in trial.user_attrs:
                self._close(trial)
                continue
            if trial.number not in asked_again:
                # first asked again, then failed: a crash in between is seen by the next look, which fails it only
                attrs = {k: v for k, v in trial.user_attrs.items() if k in ("role", "root")}
                params = trial.system_attrs.get("fixed_params", trial.params)
                self._study.enqueue_trial(params, user_attrs={"root": trial.number, **attrs, "reruns": trial.number})
                n_again += 1
            self._study.tell(trial.number, state=TrialState.FAIL)
        return n_again

    def enqueue(self, settings: Settings, role: str) -> None:
        """Ask for these settings next, unless some trial has this role already; values out of range stay the base's."""
        if any(trial.user_attrs.get("role") == role for trial in self._study.get_trials(deepcopy=False)):
            return
        params = {key: value for key, value in settings.items() if self.plan.space[key].holds(value)}
        self._study.enqueue_trial(params, user_attrs={"role": role})

    def finished(self) -> list[FinishedTrial]:
        """Every finished trial, in the order of their numbers."""
        return [read_trial(trial) for trial in self._study.get_trials(deepcopy=False) if is_finished(trial)]

    def run_batch(
        self, size: int, evaluate: Evaluate, specs: Callable[[RunConfig], Experiment], span: Span
    ) -> list[FinishedTrial]:
        """Ask for `size` trials and score them side by side, fold after fold; the hopeless ones stop on the way."""
        known = {canonical_json(one.settings): one for one in self.finished() if one.is_complete}
        asked = [self._ask() for _ in range(size)]
        batch, done = [], []
        for trial, settings in asked:
            if twin := known.get(canonical_json(settings)):
                done.append(self._finish(trial, settings, twin.score, "complete"))
            else:
                batch.append(RunningTrial.of(trial, settings, self.plan.base, self.plan.n_seeds))
        for fold in range(N_FOLDS):
            alive = [one for one in batch if one.outcome is None]
            results = iter(evaluate([FoldFit(config, fold) for one in alive for config in one.configs]))
            for one in alive:
                one.add([next(results) for _ in one.configs], specs, span, self.plan.measure)
                if one.outcome is None:
                    one.trial.report(one.score.mean, fold)
                    if fold + 1 < N_FOLDS and one.trial.should_prune():
                        one.outcome = "pruned"
                if one.outcome is not None:
                    done.append(self._finish(one.trial, one.settings, one.score, one.outcome))
        done.extend(self._finish(one.trial, one.settings, one.score, "complete") for one in batch if not one.outcome)
        return done

    def heartbeat(self) -> AbstractContextManager[None]:
        """Tell other hosts that share the storage that this one is alive while the block lasts."""
        return heartbeat(self._study, self._host) if self.is_shared else nullcontext()

    def _ask(self) -> tuple["OptunaTrial", dict[str, Value]]:
        n_asked = len(self._study.get_trials(deepcopy=False))
        stream = (self.name, n_asked, self._host) if self.is_shared else (self.name, n_asked)
        self._study.sampler = _sampler(derive(self.plan.base.seed, *stream))
        trial = self._study.ask()
        trial.set_user_attr("host", self._host)
        fixed = self._frozen(trial.number).system_attrs.get("fixed_params", {})
        base = self.plan.base.settings
        settings: dict[str, Value] = {}
        for one in self.plan.space.applicable(settings, base):
            if one.key in fixed or "role" not in trial.user_attrs:
                settings[one.key] = one.suggest(trial)
        return trial, settings

    def _frozen(self, number: int) -> "FrozenTrial":
        return self._study.get_trials(deepcopy=False)[number]

    def _finish(self, trial: "OptunaTrial", settings: Settings, score: TrialScore, outcome: str) -> FinishedTrial:
        """Keep the result, enter it in the ledger, close the trial: after a crash in between, `recover` goes on."""
        trial.set_user_attr("result", {"settings": dict(settings), "score": score.to_dict(), "outcome": outcome})
        frozen = self._frozen(trial.number)
        self._close(frozen)
        return read_trial(frozen)

    def _close(self, trial: "FrozenTrial") -> None:
        from optuna.trial import TrialState

        one = read_trial(trial)
        config = self.plan.base.with_settings(one.settings)
        scored = one.score if one.score.by_fold else None
        entry = TuningTrial(
            data=self.plan.data,
            study=self.name,
            number=one.number,
            seed=config.seed,
            code=self.code,
            settings=one.settings,
            scores={
                "objective": scored.objective if scored and one.is_complete else None,
                "mean": scored.mean if scored else None,
                "instability": scored.instability if scored else None,
                "n_folds": one.score.n_folds,
            },
            experiment=config.digest,
            parent=self.plan.parent,
            outcome=one.outcome,
            judged=self.plan.judged,
        )
        self.ledger.append(entry.content())
        if one.outcome == "pruned":
            self._study.tell(trial.number, state=TrialState.PRUNED)
        else:
            self._study.tell(trial.number, one.score.objective)


def _pruner() -> Any:
    from optuna.pruners import PercentilePruner

    return PercentilePruner(KEPT_PERCENT, n_startup_trials=5, n_warmup_steps=1, n_min_trials=5)


def _sampler(seed: int) -> Any:
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # `group`: parameters of one agent mean nothing for another, and are modelled apart
        return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True, n_startup_trials=N_RANDOM)
