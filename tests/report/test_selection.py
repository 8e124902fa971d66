"""What carries no verdict: the chosen procedure, the cross-validated paths, and whether anything looked ahead."""

import pytest
from tests.report.conftest import changed, without

from tradsys.report.cards import profile_names
from tradsys.report.facts import lookahead_line
from tradsys.report.page import page
from tradsys.report.selection import chosen_card, paths_card
from tradsys.runs.diagnostics import LookaheadMetrics


def test_the_chosen_procedure_stands_last_beside_the_profiles_on_one_scale(run):
    card = chosen_card(run.metrics, profile_names(run))
    assert [row.name for row in card.rows][-1] == "chosen"
    assert len(card.rows) == 5
    own = card.rows[-1]
    assert (own.text, own.interval, own.n_trades, own.n_days) == ("0.44", "−0.66 to 1.54", "301", "1,095")
    assert own.low < card.zero < own.point < own.high
    audited = next(row for row in card.rows if row.name == "AUDITED")
    assert audited.point > own.point  # 0.58 against 0.44


def test_a_choice_is_marked_where_it_is_another_than_before(run):
    choices = chosen_card(run.metrics, profile_names(run)).choices
    assert [one.is_new for one in choices] == [True, False, False, True, False, False]
    assert (choices[0].sharpe, choices[0].best) == ("–", "")
    assert (choices[1].sharpe, choices[1].best) == ("0.71", "0.93")


def test_where_no_fold_could_choose_one_sentence_takes_the_table_s_place(run):
    chosen = run.metrics.chosen.to_json()
    blind = changed(run, metrics={"chosen": chosen | {"folds": chosen["folds"][:1]}})
    assert "too few days to choose on" in chosen_card(blind.metrics, profile_names(run)).none_chose
    assert "Record chosen by" not in page(blind)
    assert "Record chosen by" in page(run)


def test_paths_are_drawn_with_both_intervals_and_walk_forward_beside_them(run):
    card = paths_card(run.metrics, profile_names(run))
    row = next(row for row in card.rows if row.name == "AUDITED")
    assert len(row.points) == 5
    assert row.low < row.naive_low < row.at < row.naive_high < row.high
    assert row.walk_forward == "0.58"
    assert row.walk_forward_at > row.at  # 0.58 against a mean of 0.3
    assert (row.mean, row.interval, row.naive) == ("0.30", "−0.60 to 1.20", "−0.17 to 0.77")


def test_a_profile_that_never_traded_has_no_point_on_its_strip(run):
    row = next(row for row in paths_card(run.metrics, profile_names(run)).rows if row.name == "SNIPER")
    assert (row.points, row.at, row.low, row.interval) == ((), None, None, "")


def test_why_there_are_no_paths_is_said(run):
    assert "No paths: turned off." in page(changed(run, metrics={"paths": {"reason": "turned off"}}))


def test_a_run_of_an_earlier_version_has_none_of_it_and_still_renders(run):
    old = without(run, "chosen", "paths", "lookahead")
    text = page(old)
    assert chosen_card(old.metrics, profile_names(old)) is None
    assert paths_card(old.metrics, profile_names(old)) is None
    for words in ("What choosing earns", "Other paths", 'href="#choice"', 'href="#paths"', "Look-ahead"):
        assert words not in text
        assert words in page(run)


FINDING = {"part": "features", "column": "ret_1", "symbol": "A", "row": 3, "start": "2024-01-01", "bars_ahead": 1}


@pytest.mark.parametrize(
    ("looked", "found", "rests_on"),
    [
        ((3, 1_204_331, []), "nothing saw the future", "1.2 million values checked at 3 points"),
        ((1, 900, [FINDING, FINDING]), "2 saw the future", "900 values checked at 1 point"),
    ],
)
def test_the_look_ahead_is_one_line(looked, found, rests_on):
    names = ("n_points", "n_values", "findings")
    line = lookahead_line(LookaheadMetrics.parse(dict(zip(names, looked, strict=True)), "test"))
    assert (line.found, line.rests_on, line.is_clean) == (found, rests_on, found.startswith("nothing"))
