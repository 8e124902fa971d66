"""The part of the page about the macro supervisor."""

from tests.report.conftest import changed
from tests.report.diagnostics import SUPERVISOR
from tests.report.test_page import Page

from tradsys.report.facts import supervisor_card
from tradsys.report.numbers import percent
from tradsys.report.page import page
from tradsys.runs.diagnostics import SupervisorMetrics


def card_of(found):
    return supervisor_card(SupervisorMetrics.parse(found, "test"))


def test_a_pair_is_called_what_its_interval_allows():
    card = card_of(SUPERVISOR)
    assert card.sentence == (
        "SNIPER earned neither more nor less with it beyond noise. EDGE earned more with it than without, beyond noise."
    )
    short = {
        **SUPERVISOR["pairs"][0],
        "difference": {"value": 0.1, "low": None, "high": None, "n_days": 9, "n_blocks": 1},
    }
    assert card_of({"states": [], "pairs": [short]}).sentence == (
        "SNIPER has too little history to tell the two apart."
    )


def test_both_records_and_the_rule_are_shown():
    blocking, halving = card_of(SUPERVISOR).pairs
    assert (blocking.rule, halving.rule) == ("no entries in risk-off", f"{percent(0.5)} of its size in risk-off")
    assert blocking.trades == ("300", "221")
    assert blocking.interval == f"{percent(-0.09, signed=True)} to {percent(0.031, signed=True)}"


def test_a_run_without_a_supervisor_has_no_such_part(run):
    assert supervisor_card(None) is card_of({}) is None
    assert 'id="supervisor"' not in page(changed(run, metrics={"supervisor": {}}))


def test_the_page_says_how_often_risk_was_off(run):
    words = Page(page(run)).text
    assert f"risk-on {percent(0.412)}" in words
    assert f"risk-off {percent(0.25)}" in words
    assert "Does the macro supervisor help?" in words
