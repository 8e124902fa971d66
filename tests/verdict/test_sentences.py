"""Every sentence a verdict can be told in, word for word."""

import pytest

from tradsys.verdict import VerdictSpec, sentences

RULES = VerdictSpec()
REST = "120 trades in 1,400 days, 9 trials counted"


@pytest.mark.parametrize(
    ("n_days", "n_trades", "expected"),
    [
        (55, 60, "too little history (55 of 300 days)"),
        (300, 59, "too few trades (59 of 60)"),
        (299, 59, "too little history (299 of 300 days) and too few trades (59 of 60)"),
    ],
)
def test_too_little_names_what_is_missing_and_only_that(n_days, n_trades, expected):
    assert sentences.too_little(n_days, n_trades, RULES) == f"not proven: {expected}"


def test_a_record_that_never_moved_says_how_long_it_did_not():
    assert sentences.never_moved(1234) == "not proven: the account never moved in 1,234 days"


def test_proven_names_all_legs_and_what_luck_would_do():
    assert sentences.proven(1.26, 0.0123, REST) == (
        "proven: it made money after costs (net Sharpe 1.3), more than its exposure to the market did, and its "
        f"timing beats random entries; luck alone looks this good in 1.2% of cases ({REST})"
    )


@pytest.mark.parametrize(
    ("floor", "what"),
    [
        (0.0, "it loses money"),
        (-0.5, "it loses money"),
        (0.5, "it does not reach a Sharpe of 0.5"),
    ],
)
def test_refuted_says_below_what_the_bound_lies(floor, what):
    rules = VerdictSpec(alpha=0.1, refute_below=floor)
    assert (
        sentences.refuted(-0.76, rules, REST)
        == f"refuted: after costs {what} (net Sharpe at most -0.8, 90% sure; {REST})"
    )


@pytest.mark.parametrize(
    ("leg", "sharpe", "why"),
    [
        ("timing", 1.0, "no better than random entries of the same kind"),
        ("timing", -1.0, "no better than random entries of the same kind"),
        ("money", 0.0, "skill in the timing, but it does not pay its costs"),
        ("money", 0.1, "skill in the timing, but what is left after costs may still be luck"),
        ("alpha", 1.0, "it made money with the market, and what it earned beyond its exposure to it may still be luck"),
        ("both", 0.0, "it made no money after costs, and its entries are no better than random ones"),
        ("both", 0.1, "neither the money after costs nor the timing stands out from luck"),
    ],
)
def test_not_proven_names_the_leg_that_failed(leg, sharpe, why):
    assert sentences.not_proven(leg, sharpe, 0.25, REST) == (
        f"not proven: {why} (luck alone looks this good in 25% of cases; net Sharpe {sharpe:.1f}, {REST})"
    )


def test_an_alpha_below_zero_says_that_the_market_would_have_earned_more():
    assert sentences.not_proven("alpha", 1.0, 0.25, REST, has_alpha=False) == (
        "not proven: it made money with the market, and less than its exposure to it did: its own timing does not pay "
        f"its costs (luck alone looks this good in 25% of cases; net Sharpe 1.0, {REST})"
    )


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.0005, "less than 0.1%"), (0.001, "0.1%"), (0.099, "9.9%"), (0.1, "10%"), (0.96, "96%")],
)
def test_a_share_is_never_rounded_to_nothing(p, said):
    assert f"in {said} of cases" in sentences.proven(1.0, p, REST)


def test_a_record_counts_its_trials():
    assert sentences.record(120, 1400, 9) == REST
    assert sentences.record(1200, 400, 1) == "1,200 trades in 400 days, 1 trial counted"
    assert sentences.record(1, 1, 1000).endswith("1,000 trials counted")


def test_changed_rules_stand_in_every_record():
    rules = VerdictSpec(alpha=0.2, min_trades=10)
    said = "changed rules, verdict.alpha=0.2 instead of 0.05, verdict.min_trades=10 instead of 60"
    assert sentences.record(120, 1400, 9, rules) == f"{REST}, judged by {said}"
    assert sentences.too_little(400, 9, rules) == f"not proven: too few trades (9 of 10); judged by {said}"


def test_an_interval_around_zero_beside_proven_is_explained():
    told = sentences.with_wide_interval(sentences.proven(1.0, 0.04, REST), -0.05, 2.3, RULES)
    assert told.endswith(
        "; the 95% interval of its Sharpe ratio, -0.05 to 2.30, covers zero since it leaves 2.5% at either end; "
        f"what decides is one-sided at 0.05 ({REST})"
    )
