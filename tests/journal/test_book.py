import json

import pytest

from tradsys.core.errors import ConfigError
from tradsys.journal.book import read_book, reigning
from tradsys.journal.entries import (
    Champion,
    Data,
    FailedRun,
    FinishedRun,
    FoldScore,
    Hypothesis,
    Look,
    RecordedDecision,
    Result,
    TuningTrial,
    UnwrittenRun,
)
from tradsys.journal.ledger import Ledger
from tradsys.journal.page import journal_page, result

BTC = Data("BTC 1h", ("b1", "b2"), "aa" * 32)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


def finished(run="r" * 64, data=BTC, verdict="not proven", title="logistic, BTC.parquet, seed 0", looks=0):
    return FinishedRun(
        data=data,
        run=run,
        experiment="e",
        seed=0,
        code="c",
        title=title,
        n_trials=4,
        n_design_looks=looks,
        ledger_head="h",
        results={"EDGE": Result(verdict, 0.2, 0.81, -0.4, 2.0, 230, 900)},
        folds=[FoldScore("2024-01-01T00:00:00+00:00", "2024-03-01T00:00:00+00:00", 1.0)],
    )


def test_a_run_that_could_not_be_written_is_an_idea_until_it_is_run_again(ledger):
    unwritten = UnwrittenRun(data=BTC, run="r" * 64, experiment="e", seed=0, code="c", reason="no space", changed={})
    ledger.append(unwritten.content())
    ((idea,),) = (market.ideas for market in read_book(ledger))
    assert (idea.kind, idea.reason, idea.is_negative) == ("unwritten", "no space", False)
    ledger.append(finished().content())
    ((idea,),) = (market.ideas for market in read_book(ledger))
    assert idea.kind == "run"


@pytest.mark.parametrize(
    ("changed", "title"),
    [
        (None, "logistic, BTC.parquet, seed 0"),
        ({}, "logistic, BTC.parquet, seed 0; default settings"),
        (
            {"agent.name": "logistic", "labels.horizon": 6, "portfolio.sides": ["long"]},
            'logistic, BTC.parquet, seed 0; labels.horizon=6, portfolio.sides=["long"]',
        ),
    ],
)
def test_what_differs_from_the_defaults_stands_in_the_title(ledger, changed, title):
    ledger.append(finished().content() | {"changed": changed})
    ((idea,),) = (market.ideas for market in read_book(ledger))
    assert idea.title == title
    assert title in journal_page(read_book(ledger))


def hypothesis(text="momentum holds", expect="gain > 0"):
    return Hypothesis(data=BTC, text=text, expect=expect)


def test_a_market_holds_its_trials_counted_over_all_of_its_months(ledger):
    ledger.append({"kind": "trial", "market": "BTC 1h", "blocks": ["b1"], "series": "s1"})
    ledger.append({"kind": "trial", "market": "BTC 1h", "blocks": ["b1"], "series": "s1", "code": "newer"})
    ledger.append({"kind": "trial", "market": "renamed 1h", "blocks": ["b2"], "series": "s2"})
    ledger.append(TuningTrial(data=BTC, study="s", number=0, seed=0, code="c", settings={}, scores={}).content())
    ledger.append(finished(looks=100).content())
    market, other = read_book(ledger)
    assert (market.name, market.n_trials, market.n_design_looks, market.n_tuning) == ("BTC 1h", 102, 100, 1)
    assert market.also_known_as == ("renamed 1h",)
    assert other.n_trials == 1


def test_different_data_of_one_name_are_told_apart_until_an_entry_joins_them(ledger):
    for blocks, digest in ((("x",), "11" * 32), (("y",), "22" * 32)):
        ledger.append({"kind": "trial", "market": "noise 1h", "blocks": list(blocks), "fingerprint": digest})
    assert [market.name for market in read_book(ledger)] == ["noise 1h (11111111)", "noise 1h (22222222)"]
    ledger.append({"kind": "trial", "market": "noise 1h", "blocks": ["x", "y"]})
    (market,) = read_book(ledger)
    assert market.n_trials == 3


def test_a_run_shows_its_hypothesis_and_whether_that_came_first(ledger):
    before = ledger.append(hypothesis("said before").content())
    ledger.append(Look(data=BTC, hypothesis=before.content_hash, run="r" * 64).content())
    ledger.append(finished().content())
    after = ledger.append(hypothesis("said after").content())
    ledger.append(Look(data=BTC, hypothesis=after.content_hash, run="r" * 64).content())
    (market,) = read_book(ledger)
    (idea,) = market.ideas
    assert [(guess.text, guess.was_first) for guess in idea.guesses] == [("said before", True), ("said after", False)]
    assert "written down after the result" in journal_page([market])


def test_a_hypothesis_waits_in_the_open_until_a_run_looks(ledger):
    entry = ledger.append(hypothesis().content())
    assert [idea.kind for idea in read_book(ledger)[0].ideas] == ["hypothesis"]
    ledger.append(Look(data=BTC, hypothesis=entry.content_hash, run="r" * 64).content())
    ledger.append(finished().content())
    assert [idea.kind for idea in read_book(ledger)[0].ideas] == ["run"]


def test_the_last_decision_holds_also_when_it_repeats_the_first(ledger):
    ledger.append(finished().content())
    before = ""
    for verb in ("adopted", "rejected", "adopted"):
        made = RecordedDecision(data=BTC, subject="r" * 64, decision=verb, why="so it is", replaces=before)
        before = ledger.append(made.content()).content_hash
    assert len(ledger.entries("decision")) == 3
    assert read_book(ledger)[0].ideas[0].decision["decision"] == "adopted"


@pytest.mark.parametrize(
    ("entry", "verb", "is_negative"),
    [
        (finished(), None, False),
        (finished(verdict="refuted"), None, True),
        (finished(verdict="refuted"), "adopted", False),
        (finished(verdict="proven"), "negative", True),
        (FailedRun(data=BTC, run="r" * 64, experiment="e", seed=0, code="c", reason="nan"), None, True),
    ],
    ids=["open", "refuted", "adopted all the same", "decided", "failed"],
)
def test_what_failed_says_negative_in_its_title(ledger, entry, verb, is_negative):
    ledger.append(entry.content())
    if verb:
        ledger.append(RecordedDecision(data=BTC, subject="r" * 64, decision=verb, why="because").content())
    assert ("(negative)\n" in journal_page(read_book(ledger))) == is_negative


def test_a_failure_is_forgotten_once_the_same_run_has_finished(ledger):
    ledger.append(FailedRun(data=BTC, run="r" * 64, experiment="e", seed=0, code="c", reason="full disk").content())
    ledger.append(finished().content())
    assert [idea.kind for idea in read_book(ledger)[0].ideas] == ["run"]


def test_the_page_says_what_why_result_and_decision(ledger):
    entry = ledger.append(hypothesis("momentum\n# holds").content())
    ledger.append(Look(data=BTC, hypothesis=entry.content_hash, run="r" * 64).content())
    ledger.append(finished().content())
    page = journal_page(read_book(ledger))
    assert "momentum # holds\n" in page
    for line in (
        "- **What:** logistic, BTC.parquet, seed 0; run `rrrrrrrrrr`",
        f"- **Why:** momentum # holds; expected: gain > 0 (`{entry.content_hash[:10]}`)",
        "- **Result:** EDGE: not proven, net Sharpe 0.81 [-0.40, 2.00], p 0.200, 230 trades in 900 days",
        "- **Decision:** open",
    ):
        assert line in page.splitlines(), line


def test_the_page_is_the_same_from_a_ledger_read_again(ledger):
    ledger.append(hypothesis().content())
    ledger.append(finished().content())
    assert journal_page(read_book(ledger)) == journal_page(read_book(Ledger(ledger.path)))


def test_the_champion_is_the_last_who_took_the_seat_of_this_market(ledger):
    seats = {"run": "r", "experiment": "e", "standing": "candidate", "why": "first"}
    ledger.append(Champion(data=BTC, profile="EDGE", **seats).content())
    ledger.append(Champion(data=BTC, profile="SNIPER", replaces="x", **seats).content())
    ledger.append(Champion(data=Data("ETH 1h", ("b1",)), profile="AUDITED", **seats).content())
    assert reigning(ledger, "BTC 1h", ["b2"]).content["profile"] == "SNIPER"
    assert reigning(ledger, "BTC 1h", ["other"]) is None
    assert read_book(ledger)[0].champion["profile"] == "SNIPER"


def test_an_entry_is_found_by_the_beginning_of_its_name(ledger):
    entry = ledger.append(hypothesis().content())
    run = ledger.append(finished("abcdef").content())
    ledger.append(finished("abcdxx").content())
    assert ledger.find(entry.content_hash[:6], "hypothesis") == entry
    assert ledger.find("abcde", "run", "hypothesis") == run
    with pytest.raises(ConfigError, match="fits 2 entries"):
        ledger.find("abcd", "run")
    with pytest.raises(ConfigError, match="no hypothesis in"):
        ledger.find("abcde", "hypothesis")
    with pytest.raises(ConfigError, match="no run in"):
        ledger.find("", "run")


def test_a_book_is_plain_enough_for_json(ledger):
    from dataclasses import asdict

    ledger.append(finished().content())
    assert json.loads(json.dumps(asdict(read_book(ledger)[0])))["ideas"][0]["results"]["EDGE"]["n_trades"] == 230


def test_a_result_that_holds_until_a_day_says_so_and_one_of_an_earlier_version_says_none():
    one = {"verdict": "proven", "p": 0.01, "sharpe": 1.2, "low": 0.1, "high": 2.2, "n_trades": 90, "n_days": 900}
    assert result("EDGE", one).startswith("EDGE: proven, net Sharpe 1.20")
    assert result("EDGE", one | {"until": "2022-06-30"}).startswith("EDGE: proven until 2022-06-30, net Sharpe 1.20")
