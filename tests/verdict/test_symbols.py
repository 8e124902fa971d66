"""Each symbol of a pool by itself, counted over all symbols of all trials, and who carries the profit."""

import numpy as np
import pytest
from scipy.stats import norm
from tests.verdict.brute import block_t, step_down

from tradsys.verdict import VerdictSpec, sentences
from tradsys.verdict.legs import bootstrapped
from tradsys.verdict.symbols import carriers, counted, symbol_evidence

QUICK = VerdictSpec(n_bootstrap=499)
REST = "120 trades in 1,400 days, 9 trials counted"


def contributions(seed=0, n_days=400, edge=0.0):
    """Two profiles of three symbols, the second of which has an edge in the first profile."""
    daily = np.random.default_rng(seed).normal(0, 0.01, (2, 3, n_days))
    daily[0, 1] += edge
    return {"A": daily[0], "B": daily[1]}


def test_p_is_stepped_down_over_all_symbols_of_all_profiles():
    daily = contributions(edge=0.0015)
    found = symbol_evidence(daily, {"A": [90] * 3, "B": [90] * 3}, QUICK, 0)
    rows = np.concatenate(list(daily.values()))
    t = [block_t(row, 10) for row in rows]
    p = step_down(t, bootstrapped(rows, QUICK, 0).draws)
    own = [one for name in ("A", "B") for one in found[name]]
    assert [one.t for one in own] == pytest.approx(t, rel=1e-9)
    assert [one.p_own for one in own] == pytest.approx(p, abs=1e-12)
    assert found["A"][1].p_own == min(one.p_own for one in own)


def test_symbols_with_few_trades_have_no_p_and_count_by_number():
    daily = contributions(edge=0.0015)
    found = symbol_evidence(daily, {"A": [90, 90, 59], "B": [90, 90, 90]}, QUICK, 0)
    alone = symbol_evidence({"A": daily["A"]}, {"A": [0, 90, 0]}, QUICK, 0)["A"]
    assert found["A"][2] is None
    assert alone[0] is None
    plain = symbol_evidence({"A": daily["A"][1:2]}, {"A": [90]}, QUICK, 0)["A"][0]
    assert alone[1].p_own == pytest.approx(1 - (1 - plain.p_own) * norm.cdf(plain.t) ** 2)


def test_nothing_is_said_of_a_record_too_short_for_a_verdict():
    daily = {"A": contributions(n_days=299)["A"]}
    assert symbol_evidence(daily, {"A": [90] * 3}, QUICK, 0) == {"A": [None] * 3}


def test_more_trials_known_by_number_raise_p():
    assert counted(0.01, 2.5, 36) == pytest.approx(1 - 0.99 * norm.cdf(2.5) ** 36)


def test_of_noise_any_symbol_stands_out_as_rarely_as_it_says():
    n_trades, smallest = {"A": [90] * 3, "B": [90] * 3}, []
    for seed in range(100):
        found = symbol_evidence(contributions(seed), n_trades, QUICK, 0)
        smallest.append(min(one.p_own for own in found.values() for one in own))
    assert np.mean(np.array(smallest) <= 0.05) <= 0.12


@pytest.mark.parametrize(
    ("profits", "names"),
    [
        ({"A": 90.0, "B": 5.0, "C": 3.0, "D": 2.0}, ("A",)),
        ({"A": 79.0, "B": 7.0, "C": 7.0, "D": 7.0}, ()),
        ({"A": 50.0, "B": -40.0}, ("A",)),
        ({"A": -1.0, "B": -2.0}, ()),
        ({"A": 5.0}, ()),
        (dict.fromkeys("ABCDEF", 1.0) | {"G": 20.0, "H": 15.0}, ("G", "H")),
    ],
)
def test_carriers_are_the_few_that_earned_four_fifths(profits, names):
    assert carriers(profits) == names


def test_the_sentence_names_who_carries_it_and_who_stands_by_itself():
    proven = sentences.proven(1.0, 0.04, REST)
    assert sentences.with_carriers(proven, ["BTC"], 0.92, 4).endswith(
        f"; BTC alone carries it: the other 3 earned 8% of the profit ({REST})"
    )
    assert "; G and H carry it: the other 6 lost money (" in sentences.with_carriers(proven, ["G", "H"], 1.1, 8)
    assert sentences.with_symbols_of_their_own(sentences.not_proven("money", 0.5, 0.2, REST), {"ETH": 0.0123}).count(
        "; by itself ETH (p 0.012) made money beyond luck, counted over all symbols and trials ("
    )
