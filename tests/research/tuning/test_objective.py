"""Scores by hand: a rate a year, less its spread; whatever went wrong is the worst."""

from dataclasses import fields, replace
from math import log, sqrt

import numpy as np
import pytest
from tests.research.tuning.conftest import quick
from tests.research.tuning.made_up import HOUR, fold

from tradsys.research.tuning.objective import N_BLOCKS, WORST, Span, TrialScore, seed_score
from tradsys.research.tuning.out_of_fold import FoldForecasts
from tradsys.research.walk.experiment_spec import experiment_from

YEAR = 365 * 24 * HOUR
FREE = experiment_from(quick().with_settings({"costs.taker_bps": 0.0, "costs.maker_bps": 0.0}))
COSTLY = experiment_from(quick())


def history(knows: float, *, n: int = 4_000, weight: float = 1.0, n_folds: int = 5, **more):
    return [fold(k * n * HOUR, n, knows=knows, weight=weight, seed=k, **more) for k in range(n_folds)]


def rate(forecasts, measure, spec=FREE):
    return float(
        seed_score(
            forecasts, spec, measure, Span(0, sum(len(one.start) for one in forecasts) * HOUR, HOUR)
        ).blocks.sum()
    )


def test_skill_is_the_information_of_independent_labels_times_their_number_a_year():
    information = log(2) + 0.6 * log(0.6) + 0.4 * log(0.4)
    assert rate(history(0.1), "skill") == pytest.approx(information * YEAR / HOUR, rel=0.1)


def test_growth_without_costs_is_the_skill_in_telling_sides_apart():
    """Kelly (1956): to second order, the growth of betting fair odds is the information."""
    assert rate(history(0.05), "growth") == pytest.approx(rate(history(0.05), "skill"), rel=0.1)


def test_labels_that_overlap_count_once():
    """The same market seen every hour and every half hour, by labels that live as long."""
    twice = [
        replace(
            one,
            **{
                name: np.repeat(getattr(one, name), 2, axis=0)
                for name in (
                    "symbol",
                    "logits",
                    "timeout",
                    "y",
                    "timed_out",
                    "ret_atr",
                    "net",
                    "atr_over_price",
                    "slippage",
                )
            },
            weight=np.repeat(one.weight, 2, axis=0),
            start=np.repeat(one.start, 2) + np.tile([0, HOUR // 2], len(one.start)),
            end=np.repeat(one.end, 2, axis=0) + np.tile([0, HOUR // 2], len(one.start))[:, None],
        )
        for one in history(0.1)
    ]
    for measure in ("skill", "growth"):
        assert rate(twice, measure) == pytest.approx(rate(history(0.1), measure), rel=0.02)


@pytest.mark.parametrize("measure", ["skill", "growth"])
def test_every_symbol_counts_a_year_of_its_own(measure):
    """Two copies of one market are worth what one is, a symbol and year."""
    names = [f.name for f in fields(FoldForecasts) if f.name not in ("symbol", "base_rate", "timeout_rate")]
    both = [
        replace(
            one,
            **{name: np.concatenate([getattr(one, name)] * 2) for name in names},
            symbol=np.repeat([0, 1], len(one.start)),
        )
        for one in history(0.1)
    ]
    assert rate(both, measure) == pytest.approx(rate(history(0.1), measure), rel=0.02)


@pytest.mark.parametrize("measure", ["skill", "growth"])
def test_foretelling_volatility_is_worth_nothing(measure):
    """It knows for certain which labels end by time, and nothing of the direction of the others."""
    rng = np.random.default_rng(5)
    quiet = []
    for one in history(0.0):
        ends_by_time = rng.random(len(one.start)) < 0.5
        told = np.where(ends_by_time[:, None], -6.0, 0.0)
        by_time = np.column_stack([ends_by_time] * 2)
        changed = {"logits": np.repeat(told, 2, axis=1), "timed_out": by_time, "timeout": -told[:, [0, 0]] * 2 - 6}
        dead = {name: np.where(by_time, 0.0, getattr(one, name)) for name in ("y", "ret_atr", "net")}
        quiet.append(replace(one, **changed, **dead, base_rate=np.full(2, 0.25), timeout_rate=np.full(2, 0.5)))
    assert abs(rate(quiet, measure)) < 1.0


def test_costs_take_growth_away_and_leave_the_skill():
    near, far = history(0.1, aop=0.0005), history(0.1, aop=0.01)
    assert rate(near, "skill") == pytest.approx(rate(far, "skill"))
    assert rate(near, "growth", COSTLY) == 0.0
    assert 0 < rate(far, "growth", COSTLY) < rate(far, "growth", FREE)


@pytest.mark.parametrize("measure", ["skill", "growth"])
def test_who_knows_nothing_and_says_a_lot_loses(measure):
    loud = [replace(one, logits=np.flip(one.logits, axis=1)) for one in history(0.1)]
    mixed = [one if k % 2 else other for k, (one, other) in enumerate(zip(history(0.1), loud, strict=True))]
    assert rate(mixed, measure) < 0


def test_folds_and_blocks_hold_the_same_nats():
    forecasts = history(0.05, n=1_000)
    found = seed_score(forecasts, FREE, "skill", Span(0, 5_000 * HOUR, HOUR))
    assert found.blocks.shape == (N_BLOCKS,)
    assert found.blocks.sum() == pytest.approx(np.mean(found.by_fold))


def test_the_objective_is_the_mean_less_the_error_over_folds_and_the_spread_over_seeds():
    score = TrialScore(((1.0, 3.0), (2.0, 6.0)), (0.0,) * N_BLOCKS)
    assert score.mean == 3.0
    over_folds, over_seeds = np.std([1.5, 4.5], ddof=1) / sqrt(2), np.std([2.0, 4.0], ddof=1)
    assert score.objective == pytest.approx(3.0 - sqrt(over_folds**2 + over_seeds**2))


@pytest.mark.parametrize(
    "score",
    [
        TrialScore(),
        TrialScore(((9.0, 9.0),), (), ("seed 0, fold 2: diverged",)),
        TrialScore(((np.nan, 1.0),)),
        TrialScore(((-1e9, 0.0),)),
    ],
)
def test_whatever_went_wrong_is_the_worst(score):
    assert score.objective == WORST


def test_a_score_survives_json():
    score = TrialScore(((0.1, 0.2),), (0.3,) * N_BLOCKS, ("oh",))
    assert TrialScore.from_dict(score.to_dict()) == score
