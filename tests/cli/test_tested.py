"""The terminal says when was tested, in how many folds, with what skill, and what became of each symbol."""

import pytest
from tests.runs.example import METRICS

from tradsys.cli.tested import out_of_sample_lines, symbol_lines
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import ALWAYS_MEASURED
from tradsys.runs.verdict import ProfileJudgement

GAIN = {"n": 900, "n_blocks": 30, "block_bars": 24, "smallest_visible": 0.4}
FOLD = {"n_test": 450, "decider": "logistic", "gain_millinats": 0.1, "training": "", "profiles": {}}
FOLDS = [
    FOLD | {"fold": 0, "test_from": "2024-01-01T00:00:00Z", "test_to": "2024-06-01T00:00:00Z"},
    FOLD | {"fold": 1, "test_from": "2024-06-01T00:00:00Z", "test_to": "2024-12-01T00:00:00Z"},
]
NUMBERS = {"n": 120, "value": 0.00012, "low": -0.0003, "high": 0.0005}


def skill(value, low, high):
    scores = {"log_loss": 0.69, "brier": 0.25, "auc": 0.5, "intervals": {}}
    parts = dict.fromkeys(("reliability", "resolution", "uncertainty", "within"), 0.0)
    decider = scores | {"name": "decision maker", "brier_parts": parts}
    gained = GAIN | {"value": value, "low": low, "high": high}
    table = {"n": 900, "effective_n": 75.4, "base_rate": 0.5, "log_loss_base": 0.69}
    return table | {
        "smallest_visible_gain_millinats": 0.4,
        "forecasters": [decider | {"over_base": gained}],
        "symbols": [{"symbol": "AAA", "n": 450, "over_base": gained}, {"symbol": "BBB", "n": 0}],
    }


def metrics(**changed):
    return RunMetrics.parse(METRICS | {"folds": FOLDS} | changed, "test")


@pytest.mark.parametrize(
    ("gain", "meaning"),
    [
        ((0.5, 0.2, 0.8), "they know something"),
        ((0.5, -0.2, 1.2), "no evidence that they know anything"),
        ((0.5, None, None), "no evidence that they know anything"),
        ((-0.5, -0.8, -0.2), "worse than the base rate"),
    ],
)
def test_the_test_and_the_skill_take_a_line_each(gain, meaning):
    span, known = out_of_sample_lines(metrics(skill=skill(*gain)))
    assert span == "  tested from 2024-01-01 to 2024-12-01, in 2 folds"
    assert known.startswith(f"  forecasts gained {gain[0]:+.2f}")
    assert known.endswith(f"millinats over the base rate (n = 900, worth 75 independent ones): {meaning}")


def test_a_run_without_a_lockbox_says_so():
    market = METRICS["market"] | {"lockbox_from": None}
    assert out_of_sample_lines(metrics(market=market))[0].endswith("in 2 folds; there is no lock-box")


def test_each_symbol_has_a_line_with_what_it_rests_on():
    traded = {"symbol": "AAA", "n_trades": 120, "net": NUMBERS, "gross": NUMBERS | {"value": 0.001}, "profit_abs": 3.0}
    measured = dict.fromkeys(ALWAYS_MEASURED, NUMBERS)
    profile = {"description": "", "metrics": measured, "exit_reasons": {}, "n_decisions": 1, "highest_confidence": None}
    profiles = {"EDGE": profile | {"symbols": [traded]}}
    own = {"symbol": "AAA", "n_trades": 120, "profit_share": 1.0, "t": 2.5, "p": 0.0312}
    numbers = dict.fromkeys(ProfileJudgement.model_fields)
    told = {"verdict": "not proven", "sentence": "", "n_trades": 120, "n_days": 400, "symbols": [own]}
    judged = ProfileJudgement.parse(numbers | told, "test")
    shown = symbol_lines(metrics(skill=skill(0.5, 0.2, 0.8), profiles=profiles), "EDGE", judged)
    assert [" ".join(line.split()) for line in shown[2:4]] == [
        "AAA 120 +1.20 [-3.00, +5.00] +10.00 [-3.00, +5.00] +0.50 [+0.20, +0.80] 450 0.031",
        "BBB - - - - 0 -",
    ]


def test_one_symbol_needs_no_table():
    assert symbol_lines(metrics(), "EDGE") == []
