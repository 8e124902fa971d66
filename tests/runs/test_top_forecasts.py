import pytest
from tests.runs.example import METRICS

from tradsys.runs.metrics import RunMetrics
from tradsys.runs.top_forecasts import top_forecast_sentences

LOW = {"predicted": 0.45, "observed": 0.46, "low": 0.44, "high": 0.48, "n": 900, "effective_n": 90.0}


def said(**top):
    bins = {"long": [LOW, {"n": 100, "effective_n": 10.0} | top]}
    return top_forecast_sentences(RunMetrics.parse(METRICS | {"reliability": bins}, "test"))


@pytest.mark.parametrize(
    ("predicted", "judged"),
    [(0.546, "they promise too much"), (0.505, "that agrees"), (0.48, "they promise too little")],
)
def test_the_highest_forecasts_against_what_was_seen(predicted, judged):
    (sentence,) = said(predicted=predicted, observed=0.504, low=0.491, high=0.517)
    assert sentence == (
        f"the top tenth of long forecasts said {predicted:.1%} and saw 50.4% [49.1%, 51.7%] (n = 100): {judged}"
    )


def test_ties_may_make_another_share_and_an_interval_may_be_missing():
    (sentence,) = said(predicted=0.5, observed=0.5, low=None, high=None, n=900)
    assert sentence == "the top 50% of long forecasts said 50.0% and saw 50.0% (n = 900)"


def test_a_run_without_forecasts_says_nothing():
    assert top_forecast_sentences(RunMetrics.parse(METRICS, "test")) == []
