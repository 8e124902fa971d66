"""The best ("golden") configuration of a study: the one it began with, unless another is better beyond luck.

The rule follows the champion's (`judging.champion`): a trial that diverged anywhere never takes the place. The best
by objective (mean less instability) does where, paired with the incumbent on the same folds and seeds,

1. it leads by more than the best of as many trials as were scored would lead by luck, plus one standard error, the
   lead's standard error being that over blocks of time;
2. it is ahead in more than half of the folds and with every seed;
3. it is still ahead after both have paid for their instability.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from tradsys.core.errors import FitError
from tradsys.core.files import write_atomically
from tradsys.core.json_text import canonical_json, plain, pretty_json
from tradsys.research.tuning.trial import FinishedTrial
from tradsys.research.walk.deciding import STANDARD_ERRORS
from tradsys.settings.config import RunConfig
from tradsys.verdict.sharpe import expected_max_sharpe

INCUMBENT = "incumbent"
"""Role of the trial that scores the settings which the study began with."""


@dataclass(frozen=True, slots=True)
class Golden:
    """The chosen trial, why, the incumbent, and the next best; `lead` is the best trial's over the incumbent."""

    chosen: FinishedTrial
    why: str
    incumbent: FinishedTrial
    runner_up: FinishedTrial | None
    lead: "Lead"


@dataclass(frozen=True, slots=True)
class Lead:
    """Nats a year by which a trial is ahead of the incumbent, and what luck could have given the best of them."""

    value: float
    standard_error: float
    by_luck: float
    n_folds_won: int
    n_folds: int
    n_seeds_won: int
    n_seeds: int

    @property
    def is_convincing(self) -> bool:
        """Whether it is beyond the luck of the best, and holds in most folds and with every seed."""
        is_beyond = self.value > self.by_luck + STANDARD_ERRORS * self.standard_error
        return is_beyond and 2 * self.n_folds_won > self.n_folds and self.n_seeds_won == self.n_seeds


def choose(trials: Sequence[FinishedTrial]) -> Golden:
    """The golden trial of a study."""
    incumbent = next((one for one in trials if one.role == INCUMBENT), None)
    complete = [one for one in trials if one.is_complete and not one.score.troubles]
    if incumbent is None or not complete:
        reason = next((one.outcome for one in trials if one.outcome not in ("complete", "pruned")), "none was finished")
        raise FitError(f"no trial of the study could be scored ({reason}); see `tradsys tune --json` for each of them")
    ranked = sorted(complete, key=lambda one: (-one.score.objective, one.number))
    best = ranked[0]
    if incumbent not in complete:
        fault = "were pruned" if incumbent.outcome == "pruned" else f"could not be scored ({incumbent.outcome})"
        why = f"trial {best.number} is the best; the settings that the study began with {fault}"
        return Golden(best, why, incumbent, _next(ranked, best), Lead(0.0, 0.0, 0.0, 0, 0, 0, 0))
    lead = lead_of(best, incumbent, n_trials=len(trials))
    if best.settings == incumbent.settings:
        why = f"none of {len(trials)} trials scored better than the settings that the study began with"
        return Golden(incumbent, why, incumbent, _next(ranked, incumbent), lead)
    numbers = (
        f"{lead.value:+.2f} nats a year, standard error {lead.standard_error:.2f}, of which the best of {len(trials)} "
        f"trials has {lead.by_luck:.2f} by luck; ahead in {lead.n_folds_won} of {lead.n_folds} folds and "
        f"{lead.n_seeds_won} of {lead.n_seeds} seeds"
    )
    if lead.is_convincing:
        why = f"trial {best.number} beats the incumbent beyond luck: {numbers}"
        return Golden(best, why, incumbent, _next(ranked, best), lead)
    why = f"the incumbent stays: trial {best.number} does not beat it beyond luck ({numbers})"
    return Golden(incumbent, why, incumbent, _next(ranked, incumbent), lead)


def lead_of(one: FinishedTrial, other: FinishedTrial, *, n_trials: int) -> Lead:
    """How far a trial is ahead of another, paired by fold, seed and block of time."""
    ahead = np.subtract(one.score.by_fold, other.score.by_fold)
    blocks = np.subtract(one.score.blocks, other.score.blocks)
    error = float(blocks.std(ddof=1) * sqrt(len(blocks)))
    folds, seeds = ahead.mean(axis=0), ahead.mean(axis=1)
    return Lead(
        value=float(blocks.sum()),
        standard_error=error,
        by_luck=expected_max_sharpe(n_trials) * error,
        n_folds_won=int((folds > 0).sum()),
        n_folds=len(folds),
        n_seeds_won=int((seeds > 0).sum()),
        n_seeds=len(seeds),
    )


def write_golden(folder: Path, golden: Golden, config: RunConfig, about: Mapping[str, Any]) -> Path:
    """`golden.toml`, which `tradsys run --config` takes, and the evidence for it in `golden.json`.

    `about` says what the study was: plain values that both files carry.
    """
    chosen = golden.chosen
    evidence = {
        **about,
        "chosen": chosen.to_dict(),
        "why": golden.why,
        "incumbent": golden.incumbent.to_dict(),
        "runner_up": None if golden.runner_up is None else golden.runner_up.to_dict(),
        "lead_of_the_best": plain(golden.lead),
        "experiment": config.digest,
    }
    score = chosen.score
    comments = [
        f"The golden configuration of study {about['study']}, scored inside training parts alone: no verdict.",
        f"Why: {golden.why}.",
        f"TrialScore: {score.mean:+.2f} nats a year ({about['measure']}) less {score.instability:.2f} for instability "
        f"({score.spread_folds:.2f} over folds, {score.spread_seeds:.2f} over seeds).",
        _runner_up(golden.runner_up),
        f"Tried: {about['n_trials']} trials, {about['n_pruned']} of them pruned, {about['n_failed']} failed; "
        f"{about['n_seeds']} seeds.",
        f"Bars: {about['market']} {about['interval']}, {about['from']} to {about['to']}.",
        f"Ledger head: {about['ledger_head']}.",
        "Use: tradsys run --config golden.toml",
    ]
    write_atomically(folder / "golden.json", pretty_json(evidence).encode())
    write_atomically(folder / "golden.toml", _toml(config, comments).encode())
    return folder / "golden.toml"


def _next(ranked: Sequence[FinishedTrial], chosen: FinishedTrial) -> FinishedTrial | None:
    return next((one for one in ranked if one.settings != chosen.settings), None)


def _runner_up(one: FinishedTrial | None) -> str:
    if one is None:
        return "Runner-up: none."
    return (
        f"Runner-up: trial {one.number}, {one.score.mean:+.2f} less {one.score.instability:.2f}: "
        f"{canonical_json(one.settings)}."
    )


def _toml(config: RunConfig, comments: Sequence[str]) -> str:
    """Every setting; what is unset has no line, since TOML has no word for it."""
    sections: dict[str, list[str]] = {}
    for dotted, value in config.settings.items():
        section, _, name = dotted.rpartition(".")
        if value is not None:
            sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}")
    lines = [f"# {' '.join(comment.split())}" for comment in comments]
    for section, settings in sections.items():
        lines += ["", *([f"[{section}]"] if section else []), *settings]
    return "\n".join(lines) + "\n"
