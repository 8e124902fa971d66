"""The chosen procedure: each fold chooses inside its own training part, and its choice is applied to its test block."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.research.leaky import choice_on_the_test_part, quick_experiment
from tests.research.markets import market_from, market_of

from tradsys.core.time import DAY_MS
from tradsys.data.simulate.market import HOUR
from tradsys.models.linear.baselines import BaseRate, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.profiles import PROFILES, NotQuiet
from tradsys.profiles.rules import AnyRegime, Outside
from tradsys.research.lookahead.without_future import mirrored, noised
from tradsys.research.selection import nested_selection
from tradsys.research.selection.nested_selection import (
    blocked,
    candidates,
    choose_everywhere,
    choose_for_fold,
    described,
    first_part_forecasts,
)
from tradsys.research.walk.experiment import run_experiment
from tradsys.settings.sections import FoldSettings

N_BARS = 9_000
FOLDS = FoldSettings(initial=0.4, n_folds=3, lockbox=0.1)


@pytest.fixture(scope="module")
def market():
    return market_of("edge:3", 3, N_BARS)


@pytest.fixture(scope="module")
def spec():
    weak_ridge = (BaseRate(), VolatilityOnly(10.0), RidgeLogistic(0.1))  # forecasts that differ, so that all trade
    return quick_experiment(folds=FOLDS, forecasters=weak_ridge)


@pytest.fixture(scope="module")
def outcome(market, spec):
    return run_experiment(market, spec)


@pytest.fixture(scope="module")
def chosen(outcome, spec):
    return choose_everywhere(outcome, spec)


def same(a, b):
    return a.profile == b.profile and np.array_equal(a.daily, b.daily) and np.array_equal(a.n_trades, b.n_trades)


def choices_without(future, k, market, outcome, spec):
    """All choices of a market whose bars, and labels with them, are others from the fold's test block on."""
    bars = future(market.bars.drop("symbol"), HOUR, outcome.results[k].fold.opens)
    return choose_everywhere(run_experiment(market_from({"X": bars}), spec), spec).choices


@pytest.mark.parametrize("future", [noised, mirrored])
@pytest.mark.parametrize("k", range(3))
def test_nothing_from_a_test_block_on_changes_what_was_chosen_for_it(k, future, market, outcome, spec, chosen):
    others = choices_without(future, k, market, outcome, spec)
    assert all(map(same, chosen.choices[: k + 1], others[: k + 1]))


def test_a_choice_on_the_test_part_would_change(market, outcome, spec, monkeypatch):
    monkeypatch.setattr(nested_selection, "choose_for_fold", choice_on_the_test_part)
    leaky = choose_everywhere(outcome, spec).choices
    assert not same(leaky[1], choices_without(mirrored, 1, market, outcome, spec)[1])


def test_the_first_fold_chooses_on_inner_folds_and_the_others_on_earlier_blocks(outcome, spec, chosen):
    opens = [result.fold.opens for result in outcome.results]
    first = outcome.data.labels["X"].start[outcome.results[0].fold.train[0]][0]
    day, embargo = DAY_MS, spec.embargo(HOUR).total_seconds() * 1e3
    days = [choice.daily.shape[1] for choice in chosen.choices]
    assert days[0] == pytest.approx((opens[0] - embargo - first) / day, abs=1)
    assert days[1:] == pytest.approx([(at - embargo - opens[0]) / day for at in opens[1:]], abs=1)
    assert all(choice.n_trades.max() > 20 for choice in chosen.choices)


def test_each_block_is_traded_as_its_own_fold_chose(outcome, spec, chosen, monkeypatch):
    names = iter(("SNIPER", "EDGE", "RECKLESS"))
    by_name = {profile.name: profile for profile in spec.profiles}
    monkeypatch.setattr(
        nested_selection, "choose_for_fold", lambda *_, **__: replace(chosen.choices[0], profile=by_name[next(names)])
    )
    trades = choose_everywhere(outcome, spec).simulation.trades
    edges = [*(result.fold.opens for result in outcome.results), outcome.results[-1].fold.closes]
    for k, name in enumerate(("SNIPER", "EDGE", "RECKLESS")):
        when = pl.col("decided").dt.epoch("ms").is_between(edges[k], edges[k + 1], closed="left")
        mine, alone = trades.filter(when), outcome.simulations[name].trades.filter(when)
        assert len(mine) > 3
        assert set(mine["decided"]) <= set(alone["decided"]) | set(mine["decided"][:1])  # one may still be in a trade


def test_choosing_among_one_is_that_one(outcome, spec, monkeypatch):
    monkeypatch.setattr(nested_selection, "candidates", lambda profiles, n_regimes: profiles[2:3])
    simulation = choose_everywhere(outcome, spec).simulation
    np.testing.assert_array_equal(simulation.daily, outcome.simulations["RECKLESS"].daily)


def test_the_later_folds_keep_what_the_first_chose_unless_another_leads(outcome, spec, chosen):
    held = chosen.choices[0].profile
    again = choose_for_fold(outcome.data, spec, outcome.results[:2], outcome.record, held=held)
    assert same(again, chosen.choices[1])


def test_no_audit_of_the_first_part_comes_from_an_auditor_that_saw_its_outcome(outcome, spec):
    data, result = outcome.data, outcome.results[0]
    labels = data.labels["X"]
    rows = np.flatnonzero(result.fold.train[0])
    quarter = rows[: len(rows) // 4]
    net = labels.net.copy()
    net[quarter] *= -1
    other = replace(data, labels={"X": replace(labels, net=net)})
    before, after = (first_part_forecasts(one, spec, result, outcome.record)["X"] for one in (data, other))
    known = np.isin(before.start, labels.start[quarter[:-1]])
    assert known.sum() > 300
    np.testing.assert_array_equal(before.audit[known], after.audit[known])
    assert (before.audit[~known] != after.audit[~known]).mean() > 0.9


def test_candidates_are_the_profiles_and_each_with_other_thresholds_and_regimes():
    among = candidates(PROFILES, 3)
    assert among[:4] == PROFILES
    assert len({(one.entry, one.regimes, one.audit) for one in among}) == len(among) == 36
    assert {blocked(one) for one in among} == {(), (0,), (2,), (0, 2)}
    assert {blocked(one) for one in candidates(PROFILES, 2)} == {(), (0,), (1,)}


def test_a_candidate_says_what_it_does():
    sniper, audited, _, edge = PROFILES
    assert described(sniper, 3) == "rank above 0.95, not in quiet"
    assert described(replace(audited, regimes=Outside((0, 2))), 3) == "rank above 0.75, not in quiet and panic, audited"
    assert described(replace(edge, regimes=AnyRegime()), 3) == "return above cost, any regime"
    assert described(replace(edge, regimes=Outside((3,))), 4) == "return above cost, not in wildest"


def test_blocking_the_quiet_regime_by_number_is_not_quiet(outcome):
    forecasts = outcome.results[0].forecasts["X"]
    assert np.array_equal(Outside((0,)).allows(forecasts), NotQuiet().allows(forecasts))
    assert not Outside((0, 1, 2)).allows(forecasts).any()


def test_a_run_shows_the_chosen_procedure_without_a_verdict_and_remembers_the_choices(finished):
    run, ledger, _ = finished
    chosen = run.metrics.chosen
    assert "no verdict" in chosen.sentence
    assert [one.fold for one in chosen.folds] == list(range(6))
    assert chosen.metrics["sharpe"].n == 150
    assert set(run.verdict.profiles) == {"SNIPER", "AUDITED", "RECKLESS", "EDGE"}
    assert run.verdict.n_trials == 4
    kept = [e.content for e in ledger.entries("choice") if e.content["among"] == ["chosen procedure"]]
    assert [one["what"] for one in kept] == ["threshold", "regime map"]
    assert kept[0]["by_fold"] == [one.threshold for one in chosen.folds]
