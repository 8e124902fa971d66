"""Ledger entries of what each fold chose on its training part: decider, thresholds, regimes, profile."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from tradsys.core.json_text import canonical_json
from tradsys.data.market import Market
from tradsys.journal.entries import Choice
from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ConfidenceAbove
from tradsys.research.judging.trials import data_of
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.runs.diagnostics import FoldChoiceMetrics


def fold_choices(
    run: str, market: Market, spec: Experiment, outcome: Outcome, chosen: Sequence[FoldChoiceMetrics]
) -> Iterator[Choice]:
    """Who decides, where thresholds lie and what the regimes are in each fold; and what the chosen procedure took.

    `chosen` are the folds of the chosen procedure.
    """
    yield from _fitted_choices(run, market, spec, outcome)
    yield from _procedure_choices(run, market, spec, chosen)


def _fitted_choices(run: str, market: Market, spec: Experiment, outcome: Outcome) -> Iterator[Choice]:
    """What every fold's training part chose: who decides, where the thresholds lie, what the regimes are."""
    data, results = data_of(market), outcome.results
    among = sorted({DECIDER, *spec.challengers})
    yield Choice(data=data, run=run, what="agent", by_fold=[one.decider for one in results], among=among)
    for profile in spec.profiles:
        levels = [_threshold(profile, one) for one in results]
        if levels[0] is not None:
            yield Choice(data=data, run=run, what="threshold", by_fold=levels, among=[profile.name])
    yield Choice(data=data, run=run, what="regime map", by_fold=[_regimes(one) for one in results])


def _procedure_choices(
    run: str, market: Market, spec: Experiment, folds: Sequence[FoldChoiceMetrics]
) -> Iterator[Choice]:
    """What each fold of the chosen procedure selected, of which no verdict is given."""
    data, names = data_of(market), [profile.name for profile in spec.profiles]
    yield Choice(data=data, run=run, what="profile", by_fold=[one.profile for one in folds], among=names)
    yield Choice(
        data=data, run=run, what="threshold", by_fold=[one.threshold for one in folds], among=["chosen procedure"]
    )
    yield Choice(
        data=data,
        run=run,
        what="regime map",
        by_fold=[{"blocked_regimes": one.blocked_regimes} for one in folds],
        among=["chosen procedure"],
    )


def _threshold(profile: Profile, result: FoldResult) -> float | None:
    """The probability at which the profile's confidence threshold lies in this fold, None where it has none."""
    if not isinstance(profile.entry, ConfidenceAbove):
        return None
    if profile.entry.confidence == "probability":
        return profile.entry.threshold
    confidence = result.predictor.ranks.sorted_confidence
    return float(confidence[min(int(profile.entry.threshold * len(confidence)), len(confidence) - 1)])


def _regimes(result: FoldResult) -> dict[str, Any]:
    """How many regimes, by volatility from quiet on, and a digest of the filter that tells them apart."""
    regimes = result.predictor.regimes
    digest = hashlib.sha256(canonical_json(regimes.to_dict()).encode()).hexdigest()
    return {"n_states": regimes.n_states, "digest": digest[:16]}
