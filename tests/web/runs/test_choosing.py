"""Which runs are shown for an address, and in which order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import QueryParams

from tradsys.web.runs.choosing import PAGE, RunChoice, choose
from tradsys.web.runs.row import BrokenRow, ListedVerdict, RunRow
from tradsys.web.runs.written import Note, WrittenNotes

START = datetime(2026, 1, 1, tzinfo=UTC)


def row(name, hours=0, *, market="BTC", agent="logistic", verdict="not proven", sharpe=0.5, n_trials=4):
    verdicts = (ListedVerdict("SNIPER", verdict, verdict, sharpe, None, None, 100),)
    return RunRow(
        name=name,
        run=f"run-{name}",
        created=START + timedelta(hours=hours),
        market=market,
        title=f"{market}, hourly",
        symbols=(market,),
        first=START,
        last=START,
        kind="experiment",
        agent=agent,
        seed=0,
        deployed="SNIPER",
        n_trials=n_trials,
        fingerprint="f0",
        verdicts=verdicts,
    )


ROWS = [
    row("a", 1, sharpe=-1.0, verdict="refuted"),
    row("b", 2, market="ETH", sharpe=2.0, verdict="proven", n_trials=40),
    row("c", 3, agent="xgboost", sharpe=None),
    BrokenRow("z", START, "no run"),
]
NOTES = WrittenNotes({"run-a": Note(("momentum pays",), "negative", "it did not")})


def names(query, rows=ROWS):
    return [one.name for one in choose(rows, RunChoice.of(QueryParams(query)), NOTES).rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["z", "c", "b", "a"]),
        ("sort=time", ["z", "a", "b", "c"]),
        ("sort=-sharpe", ["z", "b", "a", "c"]),
        ("sort=-verdict", ["z", "b", "c", "a"]),
        ("sort=-trials", ["z", "b", "c", "a"]),
        ("market=ETH", ["b"]),
        ("agent=xgboost", ["c"]),
        ("verdict=refuted", ["a"]),
        ("verdict=broken", ["z"]),
        ("q=MOMENTUM+btc", ["a"]),
        ("q=eth", ["b"]),
        ("q=nowhere", []),
        ("sort=nonsense&page=-3&verdict=maybe", ["z", "c", "b", "a"]),
        ("page=99", ["z", "c", "b", "a"]),
    ],
)
def test_an_address_says_what_is_shown(query, found):
    assert names(query) == found


def test_a_second_page_goes_on_where_the_first_ends():
    many = [row(f"r{k:03}", k) for k in range(PAGE + 3)]
    assert names("page=2", many) == ["r002", "r001", "r000"]
    page = choose(many, RunChoice(page=2), NOTES)
    assert (page.first, page.n, page.n_pages) == (PAGE + 1, PAGE + 3, 2)


def test_an_address_is_read_back_as_it_was_written():
    choice = RunChoice(words="a&b", market="BTC/USD 1h", sort="sharpe", ticked=("x", "y"))
    assert RunChoice.of(QueryParams(choice.address(page=3).partition("?")[2])) == replace(choice, page=3)
    assert RunChoice().address() == "/runs"


def test_a_column_asks_for_the_best_first_and_then_turns_round():
    assert RunChoice().sorted_by("sharpe") == "/runs?sort=-sharpe"
    assert RunChoice(sort="-sharpe").sorted_by("sharpe") == "/runs?sort=sharpe"
    assert RunChoice(sort="-sharpe").order_of("sharpe") == "descending"
