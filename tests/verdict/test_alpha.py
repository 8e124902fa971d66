"""The alpha leg: what a record earned beyond its exposure to the market."""

from dataclasses import replace

import numpy as np
import pytest
from tests.verdict.brute import block_t, step_down
from tests.verdict.records import FIRST_DAY, market, record, series

from tradsys.core.time import DAY_MS
from tradsys.verdict import VerdictSpec, judge
from tradsys.verdict.alpha import alpha_days, market_days

QUICK = VerdictSpec(n_bootstrap=499)


def judged(*own, **options):
    return judge(own, spec=QUICK, guard_bars=20, seed=0, **options).profiles


def test_a_constant_position_has_no_alpha_whatever_it_earned():
    on = market(np.random.default_rng(0), drift=0.003)
    for weight in (1.0, -0.4):
        held = series("HOLD", on, np.full(len(on.returns), weight), weight * on.returns, 100)
        net = replace(held, daily=weight * market_days(on.opens, on.grid, on.days, "symbols")[0])
        assert (alpha_days(net.daily[None], market_days(on.opens, on.grid, on.days, "symbols")) == 0.0).all()
        one = judged(net)["HOLD"]
        assert (one.t_alpha, one.p_alpha) == (0.0, 1.0)
    assert one.verdict != "proven"


def test_drift_and_a_skill_that_only_pays_its_costs_are_no_edge():
    """Money comes from the drift and timing from the skill, so that both would stand."""
    rng = np.random.default_rng(1)
    on = market(rng, n_days=800, drift=0.0012)
    side = np.where(rng.random(800) < 0.7, 1.0, 0.0)
    coming = on.returns.reshape(800, 4).sum(axis=1)
    side = np.where(rng.random(800) < 0.35, np.maximum(np.sign(coming - coming.mean()), 0.0), side)
    position = np.repeat(side, 4)
    gross = position * on.returns
    excess = gross.sum() - position.mean() * on.returns.sum()
    paid = np.zeros(len(gross))
    paid[::4] = np.where(side > 0, 1.05 * excess / side.sum(), 0.0)
    one = judged(series("BULL", on, position, gross - paid, int(side.sum())))["BULL"]
    assert one.p_net <= 0.05
    assert one.p_skill <= 0.05
    assert one.p_alpha > 0.05
    assert (one.verdict, one.leg) == ("not proven", "alpha")
    assert one.p == one.p_alpha
    assert "made money with the market" in one.sentence


def test_days_of_the_market_are_compounded_between_opens_and_a_missing_bar_falls_on_its_far_side():
    opens = np.array([[100.0, 110.0, 121.0, 121.0], [50.0, np.nan, 60.0, 66.0]])
    grid = FIRST_DAY * DAY_MS + np.arange(4) * DAY_MS // 2
    days = FIRST_DAY + np.arange(2)
    assert market_days(opens, grid, days, "universe")[0] == pytest.approx([(0.21 + 0.2) / 2, 0.1])
    many = np.array([[100.0 + k for k in range(80)]])
    alone = market_days(many, FIRST_DAY * DAY_MS + np.arange(80) * DAY_MS, FIRST_DAY + np.arange(80), "symbols")
    assert alone[0, :3] == pytest.approx([1 / 100, 1 / 101, 1 / 102])


def test_very_many_symbols_are_one_universe():
    rng = np.random.default_rng(2)
    opens = 100 * np.exp(rng.normal(0, 0.01, (4, 79)).cumsum(axis=1))
    grid, days = FIRST_DAY * DAY_MS + np.arange(79) * DAY_MS, FIRST_DAY + np.arange(79)
    assert market_days(opens, grid, days, "symbols").shape == (1, 79)
    assert market_days(opens[:3], grid, days, "symbols").shape == (3, 79)


def test_exposures_are_those_of_the_regression_with_an_intercept():
    rng = np.random.default_rng(3)
    on = rng.normal(0.001, 0.02, (2, 400))
    own = 0.3 * on[0] - 0.2 * on[1] + rng.normal(0.002, 0.01, 400)
    design = np.column_stack([np.ones(400), on.T])
    slope = np.linalg.solve(design.T @ design, design.T @ own)
    alpha = alpha_days(own[None], on)[0]
    assert alpha == pytest.approx(own - on.T @ slope[1:], abs=1e-12)
    assert alpha.mean() == pytest.approx(slope[0], abs=1e-12)


def test_the_whole_leg_is_what_plain_numpy_makes_of_the_page():
    """docs/verdict.md, recomputed from a record's days and opens without any of our functions."""
    rng = np.random.default_rng(4)
    on = market(rng, n_days=310, drift=0.0005)
    own = [record(f"P{k}", on, rng, foresight=0.1 * k) for k in range(3)]
    held = on.opens[0]
    returns = np.append(held[1:] / held[:-1] - 1, 0.0)
    day = np.array([np.prod(1 + returns[4 * d : 4 * d + 4]) - 1 for d in range(310)])
    alphas, statistic = [], []
    for trial in own:
        slope = np.cov(trial.daily, day)[0, 1] / np.var(day, ddof=1)
        alphas.append(trial.daily - slope * day)
        statistic.append(block_t(alphas[-1], 10))
    from tradsys.core.seeds import generator

    starts = generator(0, "verdict", "bootstrap").integers(310, size=(499, 31))
    null = np.empty((499, 3))
    for b, start in enumerate(starts):
        rows = (start[:, None] + np.arange(10)) % 310
        for k, alpha in enumerate(alphas):
            sums = (alpha - alpha.mean())[rows].sum(axis=1)
            null[b, k] = sums.sum() / np.sqrt(310) / np.sqrt(sums.var() / 10)
    found = judged(*own)
    assert [found[f"P{k}"].t_alpha for k in range(3)] == pytest.approx(statistic, rel=1e-9)
    assert [found[f"P{k}"].p_alpha for k in range(3)] == pytest.approx(step_down(statistic, null), abs=1e-12)
