"""The part of the page about families of columns from outside."""

import pytest
from tests.report.conftest import changed
from tests.report.diagnostics import FAMILIES
from tests.report.test_page import Page

from tradsys.report.forest import families_card
from tradsys.report.numbers import number
from tradsys.report.page import page
from tradsys.runs.diagnostics import FamiliesMetrics

FOUND = FamiliesMetrics.parse(FAMILIES, "test")


def test_each_family_is_called_what_its_interval_allows():
    card = families_card(FOUND)
    assert card.sentence == (
        "Macro makes the forecasts worse. Order book adds nothing that can be told from noise. "
        "Positions adds more than noise. Rank among the symbols: the history is too short to say."
    )
    assert [row.side for row in card.rows] == ["below", "across", "above", "across"]


def test_places_are_on_one_scale():
    macro, book, flow, rank = families_card(FOUND).rows
    zero = families_card(FOUND).zero
    assert (flow.point - zero) / (zero - macro.point) == pytest.approx(1.0 / 0.8, rel=1e-3)
    assert book.low < zero < book.high
    assert rank.low is rank.high is None
    assert macro.over_base == f"{number(0.9, signed=True)} → {number(0.1, signed=True)}"


def test_a_run_without_any_family_has_no_such_part(run):
    assert families_card(None) is None
    none = FAMILIES | {"families": []}
    assert families_card(FamiliesMetrics.parse(none, "test")) is None
    assert 'id="families"' not in page(changed(run, metrics={"families": none}))


def test_the_page_shows_them_and_escapes_their_columns(run):
    text = page(run)
    assert 'id="families"' in text
    assert "book_&lt;b&gt;" in text
    assert "book_<b>" not in text
    assert "12,000 forecasts" in Page(text).text
