"""The last third of a record by itself, and what "proven" says where the edge has died."""

from dataclasses import replace

import numpy as np
import pytest
from tests.verdict.records import market, record

from tradsys.core.time import DAY_MS, from_ms
from tradsys.journal import TrialSeries
from tradsys.verdict import VerdictSpec, judge
from tradsys.verdict.lately import last_third, since_when_over
from tradsys.verdict.results import Lately
from tradsys.verdict.sentences import with_lately
from tradsys.verdict.stationary import studentised_blocks

QUICK = VerdictSpec(n_bootstrap=999)


def verdict_on(trial: TrialSeries):
    return judge([trial], spec=QUICK, guard_bars=20, seed=0).profiles[trial.key]


def then(first: float, last: float, seed: int = 0, n_days: int = 900) -> TrialSeries:
    """An edge with this foresight in the first two thirds and that one in the last, after costs."""
    rng = np.random.default_rng(seed)
    on = market(rng, n_days=n_days)
    before = record("EDGE", on, np.random.default_rng(seed + 1), foresight=first, cost=0.002)
    after = record("EDGE", on, np.random.default_rng(seed + 1), foresight=last, cost=0.002)
    day = 2 * n_days // 3
    daily = np.concatenate([before.daily[:day], after.daily[day:]])
    position = np.concatenate([before.position[:, : 4 * day], after.position[:, 4 * day :]], axis=1)
    return replace(before, daily=daily, delayed=daily, position=position)


def test_an_edge_that_goes_on_is_proven_without_a_date():
    one = verdict_on(then(0.6, 0.6))
    assert (one.verdict, one.until) == ("proven", None)
    assert one.lately.sharpe > 0
    assert "since" not in one.sentence


def test_an_edge_that_died_is_proven_until_the_last_third():
    trial = then(0.7, 0.0)
    one = verdict_on(trial)
    since = from_ms(int(trial.days[600]) * DAY_MS).date().isoformat()
    assert (one.verdict, one.until, one.lately.since) == ("proven", since, since)
    assert one.lately.sharpe < 0 < one.lately.sharpe_before
    assert one.lately.low < one.lately.sharpe < one.lately.high
    assert one.sentence.startswith(f"proven until {since}: it made money after costs")
    assert f"; since {since} it has lost money (net Sharpe {one.lately.sharpe:.1f} [" in one.sentence
    assert "trades in 900 days, 1 trial counted, " in one.sentence.rpartition(" (")[2]


def test_an_edge_that_has_weakened_beyond_luck_is_too_though_it_still_earns():
    for seed in range(20):
        one = verdict_on(then(1.2, 0.35, seed))
        if one.lately.sharpe > 0:
            break
    assert one.lately.p_differs <= 0.05
    assert one.until == one.lately.since
    assert "it has earned less than before, beyond luck" in one.sentence


def test_one_that_began_late_says_so_and_has_no_date():
    one = verdict_on(then(0.0, 0.9))
    assert one.lately.differs
    assert one.until is None
    assert "it has earned more than before, beyond luck" in one.sentence


def test_one_that_died_half_way_is_found_out_by_its_half_where_the_third_looks_well():
    trial = then(0.7, 0.7)
    daily = trial.daily.copy()
    daily[450:600] -= daily[450:600].mean() + 0.004
    daily[600:] -= daily[600:].mean() - 0.0005
    one = verdict_on(replace(trial, daily=daily, delayed=daily))
    since = from_ms(int(trial.days[450]) * DAY_MS).date().isoformat()
    assert one.lately.sharpe > 0
    assert not one.lately.is_over
    assert (one.verdict, one.until) == ("proven", since)
    assert one.sentence.startswith(f"proven until {since}: ")
    assert f"; since {since} it has lost money (net Sharpe -" in one.sentence
    assert " trades in 450 days)" in one.sentence


def steady(*parts: tuple[int, float]) -> np.ndarray:
    """Days of one volatility whose parts have these annual Sharpe ratios."""
    rng, days = np.random.default_rng(4), []
    for n_days, sharpe in parts:
        one = rng.standard_normal(n_days)
        days.append(0.01 * ((one - one.mean()) / one.std(ddof=1) + sharpe / np.sqrt(365)))
    return np.concatenate(days)


@pytest.mark.parametrize(("middle", "since"), [(0.2, 450), (0.7, None)])
def test_a_last_half_that_earned_next_to_nothing_is_over_though_luck_may_explain_it(middle, since):
    daily = steady((450, 1.6), (150, middle), (300, 0.6))
    trial = replace(then(0.7, 0.7), daily=daily, delayed=daily)
    lately = last_third(trial, QUICK, 0)
    assert not lately.is_over
    found = since_when_over(trial, lately, QUICK, 0)
    if since is None:
        assert found is None
        return
    assert found.since == from_ms(int(trial.days[since]) * DAY_MS).date().isoformat()
    assert not found.is_over
    said = with_lately("proven (80 trades)", found, is_over=True)
    assert f"; since {found.since} it has earned next to nothing (net Sharpe 0.5 [" in said


def test_one_that_trades_no_more_says_that_it_has_not_moved():
    trial = then(0.7, 0.7)
    daily, position = trial.daily.copy(), trial.position.copy()
    daily[600:], position[:, 2400:] = 0.0, 0.0
    one = verdict_on(replace(trial, daily=daily, delayed=daily, position=position))
    assert (one.verdict, one.until) == ("proven", one.lately.since)
    assert (one.lately.n_trades, one.lately.sharpe) == (0, None)
    assert "(300 days) the account has not moved" in one.sentence


@pytest.mark.parametrize(
    ("sharpe", "p_differs", "is_over"),
    [(-0.1, 0.4, True), (0.1, 0.4, False), (0.1, 0.05, True), (2.0, 0.01, False), (None, None, True)],
)
def test_it_is_over_where_nothing_was_earned_since_or_less_beyond_luck(sharpe, p_differs, is_over):
    assert Lately("2022-06-30", 365, 80, sharpe, sharpe_before=1.0, p_differs=p_differs).is_over is is_over


def test_trades_are_counted_by_the_positions_that_begin_there():
    trial = then(0.6, 0.6)
    position = np.zeros_like(trial.position)
    for begin in (0, 10, 20, 2390, 2400, 2500, 3000, 3596):
        position[0, begin : begin + 5] = 0.5
    position[0, 3000:3010] = -0.5
    assert last_third(replace(trial, position=position, n_trades=80), QUICK, 0).n_trades == 40


def test_the_interval_is_the_studentised_one_of_those_days_alone():
    from tradsys.core.seeds import generator

    trial = then(0.3, 0.3)
    part = trial.daily[600:]
    drawn = studentised_blocks(part[None], 10, 999, generator(0, "verdict", "bootstrap"))
    few, many = np.quantile(drawn.draws[:, 0], [0.025, 0.975])
    error = drawn.long_run_sd[0] / np.sqrt(300)
    scale = np.sqrt(365) / part.std(ddof=1)
    found = last_third(trial, QUICK, 0)
    assert found.sharpe == pytest.approx(part.mean() * scale)
    assert (found.low, found.high) == pytest.approx(
        ((part.mean() - many * error) * scale, (part.mean() - few * error) * scale)
    )


@pytest.mark.parametrize(
    ("traded", "is_sure"),
    [(range(4), False), (range(0, 300, 60), False), (range(25), False), (range(0, 300, 10), True)],
    ids=["four days in a row", "five days", "25 days in a row", "every ten days"],
)
def test_too_few_trades_have_no_interval_and_are_never_better_beyond_luck(traded, is_sure):
    """Resampled, most of such a third stands still: its interval reached up to a Sharpe ratio of a thousand."""
    trial = then(0.7, 0.7)
    daily, position = trial.daily.copy(), np.zeros_like(trial.position)
    position[0, :1200:20] = 0.5
    begins = 600 + np.array(traded)
    daily[600:] = 0.0
    daily[begins] = np.random.default_rng(0).normal(0.01, 0.02, len(begins))
    position[0, 4 * begins] = 0.5
    n_trades = 60 + len(begins)
    one = last_third(replace(trial, daily=daily, delayed=daily, position=position, n_trades=n_trades), QUICK, 0)
    assert one.n_trades == len(begins)
    assert one.sharpe is not None
    assert (one.low is not None, one.high is not None) == (is_sure, is_sure)
    assert (one.p_differs is not None) == (is_sure or one.sharpe < one.sharpe_before)


def test_a_third_that_earned_less_at_less_risk_is_not_told_to_have_earned_more():
    trial = then(1.2, 1.2)
    daily = trial.daily.copy()
    daily[600:] = daily[600:].mean() / 2 + (daily[600:] - daily[600:].mean()) / 10
    one = last_third(replace(trial, daily=daily, delayed=daily), QUICK, 0)
    assert one.sharpe > one.sharpe_before
    assert not one.differs


def test_an_edge_that_lost_in_few_trades_is_over_and_says_so_without_an_interval():
    said = with_lately("proven (80 trades)", Lately("2022-06-30", 365, 4, -1.5, sharpe_before=1.0), is_over=True)
    assert said == "proven; since 2022-06-30 it has lost money (net Sharpe -1.5, 4 trades in 365 days) (80 trades)"


def test_a_steady_record_differs_as_rarely_as_it_says():
    differs = [last_third(then(0.3, 0.3, seed, 450), QUICK, 0).differs for seed in range(100)]
    assert np.mean(differs) <= 0.12


def test_less_than_two_blocks_are_no_third():
    rng = np.random.default_rng(3)
    assert last_third(record("P", market(rng, n_days=59), rng), QUICK, 0) is None
    assert last_third(record("P", market(rng, n_days=60), rng), QUICK, 0) is not None
