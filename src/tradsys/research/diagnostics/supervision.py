"""The macro supervisor's effect: each supervised profile against its plain one, paired on the same days."""

import numpy as np

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.time import DAYS_A_YEAR
from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import RiskOffSize
from tradsys.regimes.macro import STATES
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.runs.diagnostics import DailyDifference, StateShare, SupervisedMetrics, SupervisedPair, SupervisorMetrics
from tradsys.verdict.skill import Overlap, estimate


def supervision(outcome: Outcome, spec: Experiment) -> SupervisorMetrics:
    """Shares of the test blocks in each state, and a pair a supervised profile; empty where nobody supervises.

    Both profiles of a pair are trials of the ledger. The difference of their daily net returns, a year, has a 95%
    interval from paired blocks of the verdict's length at least.
    """
    if spec.supervisor is None:
        return SupervisorMetrics()
    pairs = [
        _pair(plain, profile, outcome, spec)
        for profile in spec.profiles
        for plain in spec.profiles
        if isinstance(profile.exposure, RiskOffSize) and profile.name == f"{plain.name}_MACRO"
    ]
    return SupervisorMetrics(states=_states(outcome, spec.supervisor.n_states), pairs=tuple(pairs))


def _states(outcome: Outcome, n_states: int) -> tuple[StateShare, ...]:
    """Share of the test blocks' bars in which each state is the likeliest, and in which none is known."""
    states = [one.macro for result in outcome.results for one in result.forecasts.values() if one.macro is not None]
    probability = np.concatenate(states)
    known = np.isfinite(probability).all(axis=1)
    counts = np.bincount(probability[known].argmax(axis=1), minlength=n_states)
    names = STATES if n_states == len(STATES) else tuple(f"state {k}" for k in range(n_states))
    return (
        *(StateShare(name=name, share=float(n / len(known))) for name, n in zip(names, counts, strict=True)),
        StateShare(name="not known", share=float(1.0 - known.mean())),
    )


def _pair(plain: Profile, watched: Profile, outcome: Outcome, spec: Experiment) -> SupervisedPair:
    without, with_ = outcome.simulations[plain.name], outcome.simulations[watched.name]
    difference = estimate(
        DAYS_A_YEAR * (with_.daily - without.daily),
        Overlap(np.asarray(with_.days), 1, spec.verdict.block_days),
        seed=spec.seed,
    )
    assert isinstance(watched.exposure, RiskOffSize)
    return SupervisedPair(
        profile=plain.name,
        supervised=watched.name,
        risk_off_size=watched.exposure.size,
        without=_measured(without, spec.seed),
        with_supervisor=_measured(with_, spec.seed),
        difference=DailyDifference(
            value=difference.value,
            low=difference.low,
            high=difference.high,
            n_days=difference.n,
            n_blocks=difference.n_blocks,
        ),
    )


def _measured(simulation: Simulation, seed: int) -> SupervisedMetrics:
    measured = measure(simulation, seed=seed)
    return SupervisedMetrics(**{name: measured[name].value for name in SupervisedMetrics.model_fields})
