import pytest

from tradsys.core.costs import Costs
from tradsys.settings.dangers import dangers

SAFE = {"taker_bps": 5.0, "maker_bps": 2.0, "slippage_bps": 1.0}


@pytest.mark.parametrize(
    ("costs", "sizes", "words"),
    [
        ({"maker_bps": -0.5}, {}, r"costs\.maker_bps is -0\.5: every such order is paid for"),
        ({"taker_bps": 0.0}, {}, r"costs\.taker_bps is 0: hardly any exchange"),
        ({"slippage_bps": 0.0}, {}, r"costs\.slippage_bps is 0: entries, stops and time exits"),
        ({}, {"fraction": 40.0}, r"one position is 40 times the equity"),
        ({}, {"cap": 4.0}, r"reach 4 times the equity, and a move of 25\.0% against them takes all of it"),
    ],
)
def test_each_danger_is_told_in_a_sentence(costs, sizes, words):
    (found,) = dangers(Costs(**SAFE | costs), **{"fraction": 1.0, "cap": 1.0} | sizes)
    import re

    assert re.search(words, found)


def test_ordinary_settings_are_none():
    assert dangers(Costs(**SAFE), fraction=None, cap=1.0) == []


def test_dangers_stand_in_metrics_report_and_summary(finished):
    from tradsys.cli.summary import summary
    from tradsys.report.page import page

    run = finished[0]
    (told,) = run.metrics.dangers
    assert told.startswith("costs.slippage_bps is 0")
    assert f"careful: {told}" in summary(run)
    assert told in page(run)
