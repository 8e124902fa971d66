"""Training one agent on all but the lock-box: a bundle, and the skill of its forecasts out of fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tradsys.core.errors import ConfigError
from tradsys.core.files import check_space, check_writable
from tradsys.core.threads import one_thread
from tradsys.data.market import Market
from tradsys.journal.entries import Training
from tradsys.journal.judged import JudgedData
from tradsys.journal.ledger import Ledger
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.research.judging.trials import data_of, judged_data
from tradsys.research.lookahead.stamps import check_stamps
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.experiment import Progress, fit_on_everything, walk
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.scoring import gather, skill_table
from tradsys.runs.manifest import code_digest


@dataclass(frozen=True, slots=True)
class TrainedBundle:
    """Where the bundle lies, who decides in it, how many rows it was fitted on, and the agent's row of the skill table.

    `training` says how a network's training ended, `has_network` whether the bundle holds one; None where the agent
    has none. `profile` is the deployed one, `n_trials` how many trials the ledger counts on what was tested here, this
    one among them, `stamps` what came of comparing time stamps.
    """

    bundle: Path
    agent: str
    n_train: int
    training: str
    skill: Mapping[str, Any]
    has_network: bool | None
    profile: str
    n_trials: int
    stamps: tuple[str, ...] = ()


@one_thread()
def train_bundle(
    market: Market,
    spec: Experiment,
    folder: Path,
    ledger: Ledger,
    progress: Progress = lambda *_: None,
    *,
    allow_lead: Sequence[str] = (),
) -> TrainedBundle:
    """Walk forward for a record out of fold, then fit on everything before the lock-box and write `folder`/bundle.

    The record calibrates, ranks and audits the forecasts of the last fit; the agent decides even where the logistic is
    as good, since it was asked for. No trades are simulated, but what the forecasts gained on the outer folds is shown:
    the ledger counts it as one trial there.
    `allow_lead` names symbols and columns whose time stamps are taken as they are.
    """
    if len(spec.challengers) > 1:
        raise ConfigError(
            f"one agent is trained at a time, found {', '.join(spec.challengers)}; choose one with --agent"
        )
    if (folder / "bundle").exists():
        raise ConfigError(f"{folder / 'bundle'} is there already; name another folder with --out")
    check_writable(folder, "the bundle goes", "name another folder with --out")
    check_space(folder, 5_000_000 + len(market.bars) * 20, "the bundle", "free some, or name another with --out")
    alignment = check_stamps(market, spec.features, allow_lead)
    agent = spec.challengers[0] if spec.challengers else DECIDER
    fixed = replace(spec, fixed_decider=agent)
    walked = walk(market, fixed, progress)
    data, results = walked.data, walked.results
    progress("fitting on everything before the lock-box", len(results), len(results) + 1)
    last = fit_on_everything(fixed, walked)
    last.predictor.save(folder / "bundle")
    skill = skill_table(gather(data, results, spec.barriers.horizon), seed=spec.seed)
    own = next(row for row in skill["forecasters"] if row["name"] == agent)
    judged = judged_data(market, results[0].fold.opens, results[-1].fold.closes)
    _record(market, spec, agent, own["over_base"], judged, ledger)
    progress("done", len(results) + 1, len(results) + 1)
    fitted = last.fitted.get(agent)
    return TrainedBundle(
        bundle=folder / "bundle",
        agent=agent,
        n_train=last.n_train,
        training=last.training.get(agent, ""),
        skill=own,
        has_network=fitted.network is not None if isinstance(fitted, OnnxForecaster) else None,
        profile=last.predictor.profile.name,
        n_trials=ledger.n_trials_on(judged) + market.n_design_looks(results[0].fold.opens, results[-1].fold.closes),
        stamps=tuple(alignment.lines),
    )


def _record(
    market: Market, spec: Experiment, agent: str, gain: Mapping[str, Any], judged: JudgedData, ledger: Ledger
) -> None:
    entry = Training(
        data=data_of(market),
        experiment=spec.digest,
        agent=agent,
        seed=spec.seed,
        code=code_digest(),
        gain=gain["value"],
        low=gain["low"],
        high=gain["high"],
        n=gain["n"],
        judged=judged,
    )
    ledger.keep_paths(market.paths)
    ledger.append(entry.content())
