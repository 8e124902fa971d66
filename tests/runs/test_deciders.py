from datetime import UTC, datetime

import pytest
from tests.runs.example import METRICS

from tradsys.runs.deciders import deciding_sentences, lacked
from tradsys.runs.metrics import FoldMetrics, RunMetrics

AT = datetime(2024, 1, 1, tzinfo=UTC)
NONE_YET = {"n": 0}
BEHIND = {"value": 0.12, "low": -0.4, "high": 0.64, "needed": 0.26, "n": 4_000}
AHEAD = {"value": 0.9, "low": 0.4, "high": 1.4, "needed": 0.26, "n": 4_000}
TOO_FEW = {"value": 0.9, "low": None, "high": None, "needed": None, "n": 40}


def fold(number, decider="logistic", n_train=500, **more):
    own = {"fold": number, "n_test": 9, "test_from": AT, "test_to": AT, "gain_millinats": 0.1, "training": ""}
    return own | {"decider": decider, "n_train": n_train, "profiles": {}} | more


def sentences(*folds):
    return deciding_sentences(RunMetrics.parse(METRICS | {"folds": list(folds)}, "test"), "EDGE")


@pytest.mark.parametrize(
    ("folds", "first"),
    [
        ([], "EDGE is deployed; there was no fold in which anybody decided"),
        ([fold(0)], "EDGE is deployed; logistic decides in the one fold and in the bundle"),
        ([fold(k) for k in range(6)], "EDGE is deployed; logistic decides in all 6 folds and in the bundle"),
        ([fold(0, "the rule", None)] * 2, "EDGE is deployed; the rule decides in all 2 folds"),
        (
            [fold(0), fold(1), fold(2, "resnet"), fold(3, "resnet"), fold(4, "resnet"), fold(5)],
            "EDGE is deployed; it is decided by logistic in folds 1 and 2, then resnet in folds 3 to 5, then logistic "
            "in fold 6 and in the bundle",
        ),
    ],
)
def test_the_deciders_are_named_in_the_order_in_which_they_took_over(folds, first):
    assert sentences(*folds) == [first]


@pytest.mark.parametrize(
    ("comparison", "decider", "why"),
    [
        (NONE_YET, "logistic", "no forecasts of earlier folds to be compared by"),
        (BEHIND, "logistic", "+0.12 [-0.40, +0.64] millinats over the logistic in earlier folds (n = 4,000), needed "
         "more than +0.26"),
        (AHEAD, "resnet", "+0.90 [+0.40, +1.40] millinats over the logistic in earlier folds (n = 4,000), needed more "
         "than +0.26, and resnet was the surer one"),
        (TOO_FEW, "logistic", "+0.90 millinats over the logistic in earlier folds (n = 40), of too few labels for a "
         "standard error, without which nobody takes over"),
    ],
)  # fmt: skip
def test_what_a_challenger_lacked_is_told_with_the_numbers_of_the_comparison(comparison, decider, why):
    read = FoldMetrics.parse(fold(5, decider, challengers={"transformer": comparison}), "test")
    assert lacked(read, "transformer") == why


def test_a_challenger_that_is_not_in_the_bundle_is_told_even_where_it_decided_before():
    before = fold(0, "transformer", challengers={"transformer": AHEAD})
    _, said = sentences(before, fold(1, challengers={"transformer": BEHIND}))
    assert said.startswith(
        "transformer does not decide in the last fold, though it did in fold 1: +0.12 [-0.40, +0.64]"
    )


def test_a_network_of_which_nothing_was_kept_is_told_though_its_name_decides():
    lost = {"without_network": {"transformer": "no better for 6 checks"}}
    found = sentences(fold(0, "transformer", **lost), fold(1, "transformer", **lost))
    assert found[0] == "EDGE is deployed; transformer decides in all 2 folds and in the bundle"
    assert found[1] == "transformer is the linear model alone in folds 1 and 2: no better for 6 checks"


def test_a_run_names_its_deciders_in_manifest_terminal_report_and_ledger(finished):
    from tradsys.cli.summary import summary
    from tradsys.journal.book import read_book
    from tradsys.journal.page import journal_page
    from tradsys.report.page import page

    run, ledger, _ = finished
    said = "SNIPER is deployed; logistic decides in all 6 folds and in the bundle"
    assert run.manifest.deciders == ("logistic",) * 6
    assert said in summary(run)
    assert said in page(run)
    assert said in journal_page(read_book(ledger))
