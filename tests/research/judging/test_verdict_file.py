"""Sentences of `verdict.json` that need what was measured: an interval around zero, and the symbols of a pool."""

import numpy as np
import pytest
from scipy.stats import norm
from tests.verdict.records import market, record

from tradsys.research.judging.trials import Judged
from tradsys.research.judging.verdict_file import verdict_json
from tradsys.verdict import VerdictSpec, judge

RULES = VerdictSpec()


@pytest.fixture(scope="module")
def judged():
    rng = np.random.default_rng(0)
    on = market(rng)
    own = [record("EDGE", on, rng, foresight=0.4), record("LUCK", on, rng)]
    return Judged(judge(own, n_counted=3, guard_bars=20, seed=0), "head")


def measured(low, high, symbols=()):
    sharpe = {"value": 1.0, "low": low, "high": high}
    one = {"metrics": {"sharpe": sharpe}, "n_decisions": 90, "highest_confidence": None}
    return {"profiles": dict.fromkeys(("EDGE", "LUCK"), one | ({"symbols": list(symbols)} if symbols else {}))}


def symbol(name, profit, t=None, p_own=None):
    return {"symbol": name, "n_trades": 90, "profit_abs": profit, "t": t, "p_own": p_own}


def test_an_interval_around_zero_is_explained_beside_proven_alone(judged):
    told = verdict_json(judged, measured(-0.1, 2.0), RULES)["profiles"]
    assert [told[name]["verdict"] for name in ("EDGE", "LUCK")] == ["proven", "not proven"]
    assert "the 95% interval of its Sharpe ratio, -0.10 to 2.00, covers zero" in told["EDGE"]["sentence"]
    assert told["LUCK"]["sentence"] == judged.judgement.profiles["LUCK"].sentence
    narrow = verdict_json(judged, measured(0.1, 2.0), RULES)["profiles"]
    assert narrow["EDGE"]["sentence"] == judged.judgement.profiles["EDGE"].sentence


def test_each_symbol_of_every_other_trial_counts(judged):
    symbols = [symbol("BTC", 90.0, 4.2, 0.002), symbol("ETH", 10.0, 0.4, 0.5), symbol("SOL", -5.0)]
    told = verdict_json(judged, measured(0.1, 2.0, symbols), RULES)["profiles"]
    btc, eth, sol = told["LUCK"]["symbols"]
    assert btc["p"] == pytest.approx(1 - 0.998 * norm.cdf(4.2) ** 9)
    assert eth["p"] == pytest.approx(1 - 0.5 * norm.cdf(0.4) ** 9)
    assert (sol["t"], sol["p"]) == (None, None)
    assert btc["profit_share"] == pytest.approx(90 / 95)
    for name in ("EDGE", "LUCK"):
        assert "; BTC alone carries it: the other 2 earned 5% of the profit" in told[name]["sentence"]
    own = "by itself BTC (p 0.002) made money beyond luck, counted over all symbols and trials"
    assert own in told["LUCK"]["sentence"]
    assert own not in told["EDGE"]["sentence"]


def test_where_all_earn_alike_nobody_is_named(judged):
    symbols = [symbol(name, 10.0, 1.0, 0.2) for name in "ABCD"]
    told = verdict_json(judged, measured(0.1, 2.0, symbols), RULES)["profiles"]["LUCK"]
    assert told["sentence"] == judged.judgement.profiles["LUCK"].sentence
    assert [one["profit_share"] for one in told["symbols"]] == [0.25] * 4


def test_the_detectable_edge_is_of_the_kind_that_the_barriers_express(judged):
    told = verdict_json(judged, measured(0.1, 2.0), RULES)
    assert told["power"].startswith(
        "With 400 days and 5 trials counted, an edge of the kind that these barriers express, below a net Sharpe ratio"
    )
    of_ranks = verdict_json(judged, {**measured(0.1, 2.0), "universe": {"symbols": []}}, RULES)
    assert "an edge of the kind that ranks express, below" in of_ranks["power"]
