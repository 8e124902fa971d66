import json
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy.stats import norm
from tests.verdict.records import market, record, series

from tradsys.core.errors import ConfigError
from tradsys.core.seeds import generator
from tradsys.journal import TrialSeries
from tradsys.verdict import (
    VerdictSpec,
    deflated_sharpe_ratio,
    judge,
    min_track_record_length,
    probabilistic_sharpe_ratio,
)
from tradsys.verdict.sharpe import moments
from tradsys.verdict.stationary import studentised_blocks

QUICK = VerdictSpec(n_bootstrap=499)


def verdicts(judgement):
    return {key: one.verdict for key, one in judgement.profiles.items()}


def noise_run(seed, n_profiles=4, **options):
    rng = np.random.default_rng(seed)
    on = market(rng)
    return [record(f"P{k}", on, rng, **options) for k in range(n_profiles)]


def judged(own, others=(), spec=QUICK, **options):
    return judge(own, others, spec=spec, guard_bars=20, seed=0, **options)


@pytest.mark.slow
def test_days_without_bars_are_no_history():
    rng = np.random.default_rng(0)
    whole = record("EDGE", market(rng, n_days=400), rng, foresight=0.6)
    days = np.concatenate([np.arange(0, 150), np.arange(252, 400)])
    bars = (days[:, None] * 4 + np.arange(4)).ravel()
    daily = np.where(np.isin(np.arange(400), days), whole.daily, 0.0)
    holed = replace(
        whole,
        daily=daily,
        delayed=daily,
        grid=whole.grid[bars],
        position=whole.position[:, bars],
        opens=whole.opens[:, bars],
    )
    assert judge([whole], guard_bars=20, seed=0).profiles["EDGE"].verdict == "proven"
    one = judge([holed], guard_bars=20, seed=0).profiles["EDGE"]
    assert (one.verdict, one.leg, one.n_days) == ("not proven", "history", 299)
    assert one.sentence == "not proven: too little history (299 of 300 days)"


def test_on_noise_without_costs_each_leg_keeps_its_size_and_both_together_hardly_ever_prove():
    any_proven, money, timing = [], [], []
    for seed in range(200):
        profiles = judged(noise_run(seed)).profiles.values()
        any_proven.append(any(one.verdict == "proven" for one in profiles))
        money.append(min(one.p_net for one in profiles) <= 0.05)
        timing.append(min(one.p_skill for one in profiles) <= 0.05)
    assert np.mean(any_proven) <= 0.05
    assert 0.01 <= np.mean(money) <= 0.10
    assert 0.01 <= np.mean(timing) <= 0.10


@pytest.mark.slow
def test_an_edge_is_proven_about_as_often_as_the_detectable_sharpe_ratio_says():
    found, detectable, sharpe = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        on = market(rng, n_days=730)
        own = [record(f"P{k}", on, rng) for k in range(3)] + [record("EDGE", on, rng, foresight=0.18)]
        judgement = judged(own)
        found.append(judgement.profiles["EDGE"].verdict == "proven")
        detectable.append(judgement.detectable_sharpe)
        sharpe.append(judgement.profiles["EDGE"].sharpe)
    expected = norm.cdf((np.mean(sharpe) - np.mean(detectable)) * sqrt(2) + 0.84)
    assert abs(np.mean(found) - expected) < 0.2
    assert np.mean(found) > 0.5


def test_a_strong_edge_after_costs_is_proven_and_its_idle_neighbours_are_not():
    rng = np.random.default_rng(0)
    on = market(rng)
    own = [record("EDGE", on, rng, foresight=0.6, cost=0.001), record("LUCK", on, rng)]
    judgement = judged(own)
    assert verdicts(judgement) == {"EDGE": "proven", "LUCK": "not proven"}
    assert judgement.profiles["EDGE"].leg is None
    assert judgement.profiles["EDGE"].sentence.startswith("proven: it made money after costs (net Sharpe ")


def test_what_loses_steadily_is_refuted_with_the_bound_in_the_sentence():
    rng = np.random.default_rng(1)
    on = market(rng)
    one = judged([record("RECKLESS", on, rng, cost=0.008)], spec=VerdictSpec()).profiles["RECKLESS"]
    assert one.verdict == "refuted"
    assert one.upper_bound < 0
    assert one.sentence == (
        f"refuted: after costs it loses money (net Sharpe at most {one.upper_bound:.1f}, 95% sure; "
        f"{one.n_trades} trades in 400 days, 1 trial counted)"
    )


def test_a_bull_market_is_money_without_timing():
    rng = np.random.default_rng(2)
    on = market(rng, drift=0.0025)
    one = judged([record("LONG", on, rng, long_only=True, busy=0.6)]).profiles["LONG"]
    assert one.p_net <= 0.05 < one.p_skill
    assert (one.verdict, one.leg) == ("not proven", "timing")
    assert one.sentence.startswith("not proven: no better than random entries of the same kind")


def test_skill_that_only_pays_its_costs_is_timing_without_money():
    rng = np.random.default_rng(3)
    on = market(rng)
    gross = record("EDGE0", on, rng, foresight=0.25)
    a_trade = gross.daily.sum() / gross.n_trades
    one = judged([record("EDGE0", on, np.random.default_rng(3), foresight=0.25, cost=a_trade * 1.1)]).profiles["EDGE0"]
    assert one.p_skill <= 0.05 < one.p_net
    assert (one.verdict, one.leg) == ("not proven", "money")
    assert "skill in the timing, but" in one.sentence


class TestTooLittle:
    def test_a_short_history_can_be_neither_proven_nor_refuted(self):
        rng = np.random.default_rng(4)
        on = market(rng, n_days=55)
        one = judged([record("EDGE", on, rng, foresight=3.0, busy=1.0, hold=2)], spec=VerdictSpec()).profiles["EDGE"]
        assert one.verdict == "not proven"
        assert one.sentence == "not proven: too little history (55 of 300 days)"
        assert (one.p, one.p_net, one.p_skill, one.upper_bound) == (None, None, None, None)
        assert one.leg == "history"
        assert one.sharpe > 3

    def test_few_trades_can_be_neither_proven_nor_refuted(self):
        rng = np.random.default_rng(5)
        few = record("SNIPER", market(rng), rng, foresight=9.0, busy=0.05)
        one = judged([few], spec=VerdictSpec()).profiles["SNIPER"]
        assert one.n_trades < 60
        assert one.sentence == f"not proven: too few trades ({one.n_trades} of 60)"
        assert one.leg == "trades"
        assert one.p is None

    def test_both_are_said_where_both_are_missing(self):
        rng = np.random.default_rng(6)
        one = judged([record("SNIPER", market(rng, n_days=100), rng, busy=0.0)], spec=VerdictSpec()).profiles["SNIPER"]
        assert one.sentence == "not proven: too little history (100 of 300 days) and too few trades (0 of 60)"
        assert (one.sharpe, one.psr, one.dsr, one.min_track_record_days) == (None, None, None, None)

    def test_exactly_60_trades_in_exactly_300_days_are_enough(self):
        rng = np.random.default_rng(7)
        on = market(rng, n_days=300)
        enough = replace(record("P", on, rng), n_trades=60)
        assert judged([enough]).profiles["P"].p is not None
        few = judged([replace(enough, n_trades=59)]).profiles["P"]
        assert (few.p, few.leg) == (None, "trades")
        short = market(rng, n_days=299)
        assert judged([record("P", short, rng)]).profiles["P"].p is None

    def test_an_account_that_never_moves_says_so(self):
        rng = np.random.default_rng(8)
        on = market(rng)
        flat = series("FLAT", on, np.ones(len(on.returns)), np.zeros(len(on.returns)), 100)
        assert judged([flat]).profiles["FLAT"].sentence == "not proven: the account never moved in 400 days"


class TestEveryTrialCounts:
    def test_p_grows_with_the_trials_that_were_stored(self):
        own = noise_run(9, n_profiles=1, foresight=0.1)
        others = noise_run(9, n_profiles=30)[1:]
        few, many = judged(own, others[:3]), judged(own, others)
        assert (few.n_trials, many.n_trials) == (4, 30)
        assert judged(own).profiles["P0"].p <= few.profiles["P0"].p <= many.profiles["P0"].p
        assert judged(own).profiles["P0"].p < many.profiles["P0"].p
        assert judged(own).detectable_sharpe < few.detectable_sharpe < many.detectable_sharpe

    def test_trials_known_by_number_enter_by_the_formula(self):
        own = noise_run(10, n_profiles=2, foresight=0.15)
        alone, counted = judged(own), judged(own, n_counted=17)
        assert counted.n_trials == 19
        for key, one in alone.profiles.items():
            with_17 = counted.profiles[key]
            assert with_17.p_net == pytest.approx(1 - (1 - one.p_net) * norm.cdf(one.t_net) ** 17, abs=1e-12)
            assert with_17.p_skill == pytest.approx(1 - (1 - one.p_skill) * norm.cdf(one.z_skill) ** 17, abs=1e-12)
            assert with_17.p_alpha == pytest.approx(1 - (1 - one.p_alpha) * norm.cdf(one.t_alpha) ** 17, abs=1e-12)
            assert with_17.p == max(with_17.p_net, with_17.p_alpha, with_17.p_skill)
        assert counted.detectable_sharpe > alone.detectable_sharpe

    def test_the_runs_own_idle_profiles_count_by_number(self):
        own = noise_run(11, n_profiles=1, foresight=0.15)
        rng = np.random.default_rng(11)
        idle = record("SNIPER", market(rng), rng, busy=0.0)
        both = judged([*own, idle])
        assert (both.n_trials, both.n_compared) == (2, 1)
        assert both.profiles["P0"].p == judged(own, n_counted=1).profiles["P0"].p

    def test_earlier_trials_with_few_trades_count_by_number(self):
        own = noise_run(12, n_profiles=1)
        few = replace(noise_run(12, n_profiles=2)[1], n_trades=59)
        assert judged(own, [few]).profiles["P0"].p == judged(own, n_counted=1).profiles["P0"].p

    def test_the_same_trial_counts_once_whether_earlier_or_now(self):
        own = noise_run(13)
        again = [TrialSeries.from_bytes(trial.to_bytes()) for trial in own]
        assert judged(own, [*again, *again]) == judged(own)

    def test_a_stored_series_gives_the_same_verdict_as_the_one_in_memory(self):
        own, others = noise_run(14)[:2], noise_run(14)[2:]
        stored = [TrialSeries.from_bytes(trial.to_bytes()) for trial in others]
        assert judged(own, stored) == judged(own, others)


class TestEarlierTrialsOnOtherDays:
    def cut(self, trial, n_days, n_bars=4):
        rows = slice(0, n_days * n_bars)
        return replace(
            trial,
            days=trial.days[:n_days],
            daily=trial.daily[:n_days],
            delayed=trial.delayed[:n_days],
            grid=trial.grid[rows],
            position=trial.position[:, rows],
            opens=trial.opens[:, rows],
        )

    def test_a_trial_that_covers_95_percent_takes_part_and_one_that_covers_less_only_counts(self):
        run = noise_run(15, n_profiles=2)
        nearly, hardly = self.cut(run[1], 380), self.cut(run[1], 379)
        assert judged(run[:1], [nearly]).n_compared == 2
        assert judged(run[:1], [hardly]).n_compared == 1
        assert judged(run[:1], [hardly]).n_trials == 2

    def test_its_missing_days_are_flat(self):
        run = noise_run(16, n_profiles=2)
        nearly = self.cut(run[1], 390)
        flat = replace(
            run[1],
            key="flat",
            daily=np.where(np.arange(400) < 390, run[1].daily, 0),
            position=np.where(np.arange(1600) < 1560, run[1].position, 0),
        )
        a, b = judged(run[:1], [nearly]), judged(run[:1], [flat])
        assert a.profiles == b.profiles

    def test_days_beyond_the_run_do_not_matter_and_trades_there_do_not_count(self):
        run = noise_run(17, n_profiles=2)
        own = self.cut(run[0], 320)
        assert judged([own], [run[1]]).profiles == judged([own], [self.cut(run[1], 320)]).profiles
        late = replace(run[1], n_trades=70)  # 56 of them in the run's days
        assert judged([own], [late]).n_compared == 1

    def test_other_symbols_only_count_but_a_lone_symbol_is_known_under_any_name(self):
        run = noise_run(18, n_profiles=2)
        renamed = replace(run[1], symbols=("XBT",))
        assert judged(run[:1], [renamed]).n_compared == 2
        pair = replace(
            run[1],
            symbols=("BTC", "ETH"),
            position=np.vstack([run[1].position] * 2),
            opens=np.vstack([run[1].opens] * 2),
        )
        assert judged(run[:1], [pair]).n_compared == 1

    def test_symbols_are_matched_by_name_whatever_their_order(self):
        run = noise_run(19, n_profiles=2)
        eth = np.roll(run[0].opens, 7, axis=1)

        def two(trial, names):
            rows = {"BTC": trial.position, "ETH": -trial.position}
            prices = {"BTC": trial.opens, "ETH": eth}
            return replace(
                trial,
                symbols=names,
                position=np.vstack([rows[name] for name in names]),
                opens=np.vstack([prices[name] for name in names]),
            )

        own = two(run[0], ("BTC", "ETH"))
        same = judged([own], [two(run[1], ("BTC", "ETH"))]).profiles
        assert judged([own], [two(run[1], ("ETH", "BTC"))]).profiles == same


class TestNumbers:
    def test_the_upper_bound_is_simultaneous_over_the_runs_profiles(self):
        own, others = noise_run(20, n_profiles=9)[:3], noise_run(20, n_profiles=9)[3:]
        judgement = judged(own, others)
        rng = generator(0, "verdict", "bootstrap")
        tested = studentised_blocks(np.stack([trial.daily for trial in own]), 10, 499, rng)
        lowest = np.quantile(tested.draws.min(axis=1), 0.05)
        for k, trial in enumerate(own):
            expected = (tested.t[k] - lowest) * sqrt(365 / 400)
            assert judgement.profiles[trial.key].upper_bound == pytest.approx(expected, abs=1e-12)

    def test_the_detectable_sharpe_ratio_follows_from_the_critical_value(self):
        judgement = judged(noise_run(21))
        assert judgement.detectable_sharpe == pytest.approx((judgement.critical_net + 0.84) * sqrt(365 / 400))
        rng = generator(0, "verdict", "bootstrap")
        draws = studentised_blocks(np.stack([t.daily for t in noise_run(21)]), 10, 499, rng).draws
        assert judgement.critical_net == pytest.approx(np.quantile(draws.max(axis=1), 0.95), abs=0.03)

    def test_without_any_comparable_trial_the_detectable_edge_assumes_independent_ones(self):
        rng = np.random.default_rng(22)
        on = market(rng, n_days=55)
        judgement = judged([record(f"P{k}", on, rng) for k in range(4)])
        assert judgement.critical_net == pytest.approx(norm.isf(1 - 0.95**0.25), abs=1e-9)
        assert judgement.critical_skill is None
        assert judgement.detectable_sharpe == pytest.approx((2.2340 + 0.84) * sqrt(365 / 55), abs=2e-3)

    def test_psr_dsr_and_track_record_are_those_of_the_daily_returns(self):
        own = noise_run(23, n_profiles=2, foresight=0.1)
        judgement = judged(own)
        sharpes = [trial.daily.mean() / trial.daily.std(ddof=1) for trial in own]
        for trial, sharpe in zip(own, sharpes, strict=True):
            one = judgement.profiles[trial.key]
            assert one.sharpe == pytest.approx(sharpe * sqrt(365), rel=1e-12)
            assert one.dsr < one.psr
            kept = {"n_trials": judgement.n_effective_trials, "trials_variance": judgement.sharpe_variance}
            m = moments(trial.daily)
            shape = {"skewness": m.skewness, "kurtosis": m.kurtosis}
            assert one.dsr == pytest.approx(deflated_sharpe_ratio(sharpe, len(trial.daily), **shape, **kept))
        assert judgement.sharpe_variance == pytest.approx(np.var(sharpes, ddof=1))

    def test_copies_are_one_effective_trial_and_decide_as_many(self):
        own = noise_run(29, n_profiles=2)
        copies = [replace(own[0], key=f"C{k}", daily=own[0].daily * (1 + k / 100)) for k in range(1, 6)]
        alone, crowded = judged(own), judged([*own, *copies])
        assert crowded.n_trials == 7
        assert crowded.n_effective_trials < alone.n_effective_trials + 0.01
        assert judge(own, n_counted=5, spec=QUICK, guard_bars=20, seed=0).n_effective_trials == pytest.approx(
            alone.n_effective_trials + 5
        )

    def test_the_same_inputs_give_the_same_bytes_and_are_plain_json(self):
        own = noise_run(24)
        first, second = (json.dumps(judged(own).to_dict(), allow_nan=False) for _ in range(2))
        assert first == second
        assert set(json.loads(first)["profiles"]["P0"]) >= {"verdict", "sentence", "p", "p_net", "p_skill", "n_trades"}

    def test_another_seed_draws_other_blocks(self):
        own = noise_run(25)
        a, b = (judge(own, spec=QUICK, guard_bars=20, seed=seed).critical_net for seed in (0, 1))
        assert a != b


class TestRules:
    def test_the_usual_rules_are_the_ones_whose_error_rates_were_measured(self):
        usual = VerdictSpec()
        assert (usual.alpha, usual.min_trades, usual.min_days) == (0.05, 60, 300)
        assert (usual.block_days, usual.n_bootstrap, usual.refute_below) == (10, 1999, 0.0)

    def test_whoever_demands_a_sharpe_ratio_refutes_what_cannot_reach_it(self):
        own = noise_run(31, n_profiles=1)
        bound = judged(own).profiles["P0"].upper_bound
        below, above = (replace(QUICK, refute_below=bound + change) for change in (-0.01, 0.01))
        assert judged(own, spec=below).profiles["P0"].verdict == "not proven"
        one = judged(own, spec=above).profiles["P0"]
        assert one.verdict == "refuted"
        assert one.leg == "both"

    def test_a_judgement_counts_its_days(self):
        judgement = judged(noise_run(32, n_profiles=2), n_counted=3)
        assert (judgement.n_days, judgement.n_trials, judgement.n_compared) == (400, 5, 2)
        assert {one.n_days for one in judgement.profiles.values()} == {400}

    def test_what_is_too_short_for_a_track_record_has_none(self):
        own = noise_run(33, n_profiles=1, cost=0.002)
        one = judged(own).profiles["P0"]
        assert one.sharpe < 0
        assert one.min_track_record_days is None
        good = judged(noise_run(33, n_profiles=1, foresight=0.3)).profiles["P0"]
        m = moments(noise_run(33, n_profiles=1, foresight=0.3)[0].daily)
        shape = {"skewness": m.skewness, "kurtosis": m.kurtosis}
        assert good.min_track_record_days == min_track_record_length(m.sharpe, **shape)
        assert good.psr == probabilistic_sharpe_ratio(m.sharpe, 400, **shape)

    def test_the_critical_values_are_quantiles_of_the_best_draw_and_of_unseen_trials_beside_it(self):
        own = noise_run(34, n_profiles=2)
        draws = studentised_blocks(
            np.stack([one.daily for one in own]), 10, 499, generator(0, "verdict", "bootstrap")
        ).draws.max(axis=1)
        critical = judged(own, n_counted=50).critical_net
        chance = np.mean(draws <= critical) * norm.cdf(critical) ** 50
        just_below = np.mean(draws <= critical - 0.002) * norm.cdf(critical - 0.002) ** 50
        assert just_below < 0.95 <= chance


class TestRefusals:
    def test_profiles_of_one_run_share_their_record(self):
        with pytest.raises(ConfigError, match="share days, grid and opens; 'P0' differs"):
            judged([replace(noise_run(26)[0], key="A"), noise_run(27)[0]])

    def test_profiles_have_keys_of_their_own(self):
        own = noise_run(28)
        with pytest.raises(ConfigError, match="keys of their own"):
            judged([own[0], replace(own[1], key="P0")])

    def test_nothing_cannot_be_judged(self):
        with pytest.raises(ConfigError, match="at least one profile"):
            judged([])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"alpha": 5}, "alpha must lie between 0 and 0.5, was 5"),
            ({"n_bootstrap": 10}, "n_bootstrap at least 20"),
            ({"min_trades": 0}, "min_trades and block_days must be positive"),
            ({"min_days": 15}, "two blocks of 10 days, was 15"),
            ({"alpha": 0.0}, "alpha must lie between"),
            ({"alpha": 0.5}, "alpha must lie between"),
            ({"block_days": 0}, "min_trades and block_days must be positive"),
            ({"alpha": 0.25, "n_bootstrap": 3}, "n_bootstrap at least 4"),
            ({"min_days": 19}, "was 19"),
        ],
    )
    def test_impossible_rules_are_refused(self, options, message):
        with pytest.raises(ConfigError, match=message):
            VerdictSpec(**options)

    def test_the_smallest_possible_rules_are_taken(self):
        rules = VerdictSpec(alpha=0.25, min_trades=1, min_days=2, block_days=1, n_bootstrap=4)
        assert (rules.min_days, rules.n_bootstrap) == (2, 4)

    def test_each_difference_between_the_profiles_of_a_run_is_refused(self):
        first, second = noise_run(30, n_profiles=2)
        for changed in (
            {"symbols": ("ETH",)},
            {"days": second.days + 1},
            {"grid": second.grid + 1},
            {"opens": second.opens * 2},
        ):
            with pytest.raises(ConfigError, match="'P1' differs from 'P0'"):
                judged([first, replace(second, **changed)])

    def test_a_million_unseen_trials_raise_the_bar_beyond_five(self):
        critical = judged(noise_run(35, n_profiles=1), n_counted=10**6).critical_net
        assert critical == pytest.approx(norm.isf(1 - 0.95 ** (1 / 10**6)), abs=0.01)
