"""tests `report/calendar_returns.py`"""

from datetime import UTC, datetime

import polars as pl
import pytest
from tests.report.conftest import changed

from tradsys.report.calendar_returns import calendar_cards, longest_drawdowns, year_rows


def equity(*points):
    when, values = zip(*points, strict=True)
    ts = pl.Series([datetime(*one, tzinfo=UTC) for one in when]).cast(pl.Datetime("ms", "UTC"))
    return pl.DataFrame({"ts": ts, "equity": [float(value) for value in values]})


def texts(rows):
    return {row.year: {k + 1: cell.text for k, cell in enumerate(row.months) if cell.text} for row in rows}


def test_months_and_years_by_hand():
    curve = equity(((2023, 11, 30, 23), 110), ((2023, 12, 1), 105), ((2023, 12, 31, 23), 99), ((2024, 1, 31), 198))
    rows = year_rows(curve, 100.0)
    assert texts(rows) == {"2023": {11: "+10.0%", 12: "−10.0%"}, "2024": {1: "+100%"}}
    assert [row.total.text for row in rows] == ["−1.00%", "+100%"]
    assert [row.total.shade for row in rows] == ["fall-1", "gain-3"]


def test_without_the_cash_the_first_equity_is_the_start():
    assert texts(year_rows(equity(((2024, 1, 1), 50), ((2024, 1, 2), 60)))) == {"2024": {1: "+20.0%"}}


def test_nothing_follows_an_account_without_money():
    rows = year_rows(equity(((2024, 1, 1), 0), ((2024, 2, 1), 0), ((2025, 1, 1), 0)), 100.0)
    assert texts(rows) == {"2024": {1: "−100%"}, "2025": {}}
    assert [row.total.text for row in rows] == ["−100%", ""]


def test_drawdowns_by_hand_the_longest_first():
    days = [100, 90, 120, 60, 80, 119, 121, 120]
    curve = equity(*(((2024, 1, 1 + k), value) for k, value in enumerate(days)))
    first, second, third = longest_drawdowns(curve)
    assert (first.peak, first.trough, first.recovered) == ("3 Jan 2024", "4 Jan 2024", "7 Jan 2024")
    assert (first.length, first.depth) == ("4 days", "−50.0%")
    assert (second.peak, second.length, second.depth) == ("1 Jan 2024", "2 days", "−10.0%")
    assert (third.peak, third.recovered) == ("7 Jan 2024", "not yet")


def test_a_loss_from_the_cash_is_a_drawdown():
    (one,) = longest_drawdowns(equity(((2024, 1, 1), 90), ((2024, 1, 5), 95)), 100.0)
    assert (one.depth, one.recovered, one.length) == ("−10.0%", "not yet", "4 days")


@pytest.mark.parametrize("portfolio", [{}, {"cash_quote": 10_000.0}])
def test_a_card_an_account_buying_and_holding_last(run, portfolio):
    told = changed(run, manifest={"config": dict(run.manifest.config) | {"portfolio": portfolio}})
    cards = calendar_cards(told, ["EDGE", "RECKLESS"])
    assert [card.label for card in cards] == ["EDGE", "RECKLESS", "Buy and hold"]
