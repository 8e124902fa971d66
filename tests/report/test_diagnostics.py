"""The parts of the page about drift and importance."""

import pytest
from tests.report.conftest import changed, without
from tests.report.diagnostics import ADVERSARIAL, IMPORTANCE
from tests.report.test_page import Page

from tradsys.report.drift import drift_card
from tradsys.report.importance import importance_card
from tradsys.report.page import page
from tradsys.runs.diagnostics import DriftMetrics, ImportanceMetrics


def card_of(clusters):
    return importance_card(ImportanceMetrics.parse(IMPORTANCE | {"clusters": clusters}, "test"))


@pytest.fixture
def importance():
    return card_of(IMPORTANCE["clusters"])


@pytest.fixture
def drift():
    return drift_card(DriftMetrics.parse(ADVERSARIAL, "test"))


def test_bars_begin_at_zero_and_end_at_the_value_whatever_its_sign(importance):
    first, second, _ = importance.rows
    assert first.deciding.start == importance.zero
    assert second.deciding.start + second.deciding.width == pytest.approx(importance.zero, abs=0.01)
    for bar in (first.deciding, first.boosted, second.deciding, second.boosted):
        assert bar.low <= bar.start + bar.width
        assert bar.high >= bar.start


def test_a_bar_is_as_sure_as_its_interval(importance):
    sides = [[one.deciding.side, one.boosted.side if one.boosted else None] for one in importance.rows]
    assert sides == [["above", "across"], ["across", "below"], ["across", None]]


def test_all_bars_share_one_scale(importance):
    first, second, third = importance.rows
    widths = [first.deciding.width, first.boosted.width, second.boosted.width, third.deciding.width]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 0.62 / 1.31, 0.3 / 1.31, 0.2 / 1.31], abs=1e-3)


def test_one_wild_interval_does_not_flatten_the_bars():
    wild = {"name": "b", "columns": ["b"], "gain": None}
    wild["deciding"] = {"millinats": 0.1, "low": -0.1, "high": 0.2, "n_blocks": 40}
    wild["boosted"] = {"millinats": 0.1, "low": -90.0, "high": 90.0, "n_blocks": 40}
    card = card_of([*IMPORTANCE["clusters"], wild])
    assert card.rows[0].deciding.width > 15
    assert (card.rows[3].boosted.low, card.rows[3].boosted.high) == (
        pytest.approx(0, abs=3),
        pytest.approx(100, abs=3),
    )


def test_a_cluster_names_its_other_columns_and_its_share_of_the_gain(importance):
    first, _, third = importance.rows
    assert (first.name, first.others) == ("rsi_14", "ret_12, macd_12_26_9")
    assert (first.share, first.share_text) == (62, "62% (40 to 80)")
    assert (third.others, third.share, third.share_text) == ("", None, "")


@pytest.mark.parametrize(
    ("n", "sentence"),
    [
        (1, "The forecasts need rsi_14."),
        (3, "The forecasts need rsi_14; no other cluster is needed beyond noise."),
    ],
)
def test_the_sentence_names_what_is_needed(n, sentence):
    assert card_of(IMPORTANCE["clusters"][:n]).sentence == sentence


def test_what_is_not_needed_and_what_is_not_known_are_different_sentences():
    none, unknown = (card_of(IMPORTANCE["clusters"][k:]) for k in (1, 2))
    assert none.sentence == "No cluster of columns is needed beyond noise."
    assert unknown.sentence.startswith("The history is too short")


def test_deciders_are_counted_in_words(importance):
    assert importance.deciders == "logistic in 3 folds, transformer in 1 fold"


def test_folds_stand_on_one_scale_with_what_is_ordinary_beside_them(drift):
    overall, *folds = drift.rows
    assert (overall.name, overall.text) == ("All folds", "0.58 [0.52, 0.63]")
    assert drift.half < overall.low < overall.point < overall.high
    assert [fold.name for fold in folds] == ["Fold 1", "Fold 2", "Fold 3", "Fold 4"]
    assert folds[2].point < drift.half < folds[1].point < folds[0].point < folds[3].point
    assert folds[0].ordinary is None
    assert folds[1].ordinary < folds[1].point


def test_a_giveaway_says_where_it_went(drift):
    assert [one.moved for one in drift.columns] == ["0.52 sd lower, spread × 0.81", "0.11 sd higher, spread × 1.40"]


def test_a_run_too_short_for_an_answer_says_so_and_draws_nothing(run):
    short = ADVERSARIAL | {"sentence": "It cannot be said.", "auc": None, "folds": []}
    text = Page(page(changed(run, metrics={"adversarial": short}))).text
    assert "It cannot be said." in text
    assert "What gives them away" not in text


def test_the_page_shows_both_with_a_way_to_them(run):
    shown = page(run)
    text = Page(shown).text
    for words in (ADVERSARIAL["sentence"], "The forecasts need rsi_14", "What gives them away", "62% (40 to 80)"):
        assert words in text, words
    assert shown.count("#importance") == shown.count("#drift") == 1


def test_a_run_of_before_shows_neither(run):
    shown = page(without(run, "adversarial", "importance"))
    assert drift_card(None) is importance_card(None) is None
    assert "</html>" in shown
    for name in ("drift", "importance"):
        assert f'id="{name}"' not in shown
        assert f"#{name}" not in shown
