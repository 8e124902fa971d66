"""The diagram of expected and earned returns, and its sentences."""

import pytest

from tradsys.report.money import money_card, sentences
from tradsys.runs.metrics import MoneyMetrics


def held(expected=8.0, earned=9.0, low=2.0, high=16.0, n=1_200):
    return {"expected_bps": expected, "earned_bps": earned, "low": low, "high": high, "n": n}


def money(paying=None, *, bins=(), n_folds_out=0):
    content = {"bins": bins, "paying": paying, "n_folds": 6, "n_folds_out": n_folds_out}
    return MoneyMetrics.model_validate(content)


@pytest.mark.parametrize(
    ("paying", "said"),
    [
        (None, "No decision was expected to pay its costs"),
        (held(), "1,200 decisions were expected to pay: +8.00 bp after costs on average; they earned +9.00 bp"),
        (held(), r"[+2.00, +16.0]: the interval holds what was expected."),
        (held(expected=20.0), "the interval misses what was expected."),
        (held(low=None, high=None), "on too short a history for an interval"),
    ],
)
def test_a_sentence_says_whether_money_was_promised_rightly(paying, said):
    assert said in sentences(money(paying))[0]


def test_folds_that_stayed_out_are_told():
    assert "In 2 of 6 folds such decisions on record had not earned" in sentences(money(n_folds_out=2))[1]
    assert len(sentences(money())) == 1


def test_points_stand_where_they_belong_and_misses_are_marked():
    card = money_card(money(held(), bins=(held(-10.0, -9.0, -12.0, -6.0), held(5.0, -4.0, -8.0, -1.0, n=300))))
    first, second = card.bins
    assert first.x < card.zero < second.x
    assert (first.is_off, second.is_off) == (False, True)
    assert first.radius > second.radius
    assert card.n == "1,500"
    assert "expected +5.00 bp, earned −4.00 bp (−8.00 to −1.00), n = 300" in second.text


def test_nothing_forecast_draws_nothing():
    assert money_card(None) is None
    assert money_card(money(bins=(held(earned=None, low=None, high=None),))) is None
