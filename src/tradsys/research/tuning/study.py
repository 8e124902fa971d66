"""A study: trials asked in batches, scored fold by fold, pruned, finished once, and found again after a crash."""

import json
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tradsys.core.errors import ConfigError
from tradsys.core.json_text import canonical_json
from tradsys.core.seeds import derive
from tradsys.journal.entries import TuningTrial
from tradsys.journal.ledger import Ledger
from tradsys.research.tuning.evaluate import Evaluate
from tradsys.research.tuning.finished import Finished, is_finished, read
from tradsys.research.tuning.forecasts import N_FOLDS, Cell
from tradsys.research.tuning.plan import StudyPlan, difference
from tradsys.research.tuning.running import Running
from tradsys.research.tuning.score import Score, Span
from tradsys.research.tuning.space import Settings, Space, Value
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

_BEAT_S, _DEAD_AFTER_S = 60.0, 600.0
"""How often a host says that it is alive where several share a study, and the silence after which it is not."""


@dataclass(slots=True)
class TuningStudy:
    """One process's hold on a study; `only_one` keeps others of this machine away."""

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
            if trial.state != TrialState.RUNNING or self._is_alive(trial):
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

    def finished(self) -> list[Finished]:
        """Every finished trial, in the order of their numbers."""
        return [read(trial) for trial in self._study.get_trials(deepcopy=False) if is_finished(trial)]

    def run_batch(
        self, size: int, evaluate: Evaluate, specs: Callable[[RunConfig], Experiment], span: Span
    ) -> list[Finished]:
        """Ask for `size` trials and score them side by side, fold after fold; the hopeless ones stop on the way."""
        known = {canonical_json(one.settings): one for one in self.finished() if one.is_complete}
        asked = [self._ask() for _ in range(size)]
        batch, done = [], []
        for trial, settings in asked:
            if twin := known.get(canonical_json(settings)):
                done.append(self._finish(trial, settings, twin.score, "complete"))
            else:
                batch.append(Running.of(trial, settings, self.plan))
        for fold in range(N_FOLDS):
            alive = [one for one in batch if one.outcome is None]
            said = iter(evaluate([Cell(config, fold) for one in alive for config in one.configs]))
            for one in alive:
                one.add([next(said) for _ in one.configs], specs, span, self.plan.measure)
                if one.outcome is None:
                    one.trial.report(one.score.mean, fold)
                    if fold + 1 < N_FOLDS and one.trial.should_prune():
                        one.outcome = "pruned"
                if one.outcome is not None:
                    done.append(self._finish(one.trial, one.settings, one.score, one.outcome))
        done.extend(self._finish(one.trial, one.settings, one.score, "complete") for one in batch if not one.outcome)
        return done

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Tell other hosts that share the storage that this one is alive while the block lasts."""
        if not self.is_shared:
            yield
            return
        stop = threading.Event()

        def beat() -> None:
            self._study.set_user_attr(f"alive:{self._host}", time.time())

        def go_on() -> None:
            while not stop.wait(_BEAT_S):
                beat()

        beat()
        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _is_alive(self, trial: "FrozenTrial") -> bool:
        """Whether another host may still be working on it; on this one nobody is, since `only_one` let us in."""
        named, now = trial.user_attrs.get("host"), time.time()
        beats = {k.removeprefix("alive:"): at for k, at in self._study.user_attrs.items() if k.startswith("alive:")}
        # without a name it was asked for a moment ago, by whichever host is alive
        hosts = list(beats) if named is None else [named]
        return any(host != self._host and now - beats.get(host, 0.0) < _DEAD_AFTER_S for host in hosts)

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

    def _finish(self, trial: "OptunaTrial", settings: Settings, score: Score, outcome: str) -> Finished:
        """Keep the result, enter it in the ledger, close the trial: after a crash in between, `recover` goes on."""
        trial.set_user_attr("result", {"settings": dict(settings), "score": score.to_dict(), "outcome": outcome})
        frozen = self._frozen(trial.number)
        self._close(frozen)
        return read(frozen)

    def _close(self, trial: "FrozenTrial") -> None:
        from optuna.trial import TrialState

        one = read(trial)
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


def stored_space(name: str, storage: "BaseStorage") -> tuple[Space, list[Finished]]:
    """The space and the finished trials of a study that exists already."""
    import optuna

    try:
        study = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        raise ConfigError(f"the storage holds no study {name!r}") from None
    trials = [read(trial) for trial in study.get_trials(deepcopy=False) if is_finished(trial)]
    return Space.from_dict(json.loads(study.user_attrs["plan"])["space"]), trials
