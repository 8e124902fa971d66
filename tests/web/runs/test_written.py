"""Notes and champions read from a ledger without reading its trials."""

import random

from tradsys.journal.book import read_book
from tradsys.journal.entries import Champion, Data, Hypothesis, Look, RecordedDecision
from tradsys.journal.ledger import Ledger
from tradsys.web.runs.written import NotesReader

DATA = Data("BTC 1h", ("b1", "b2"))


def champion(profile, data=DATA):
    return Champion(data=data, run="r1", experiment="e", profile=profile, standing="candidate", why="first").content()


def test_a_run_has_its_hypothesis_and_the_last_decision(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    guess = ledger.append(Hypothesis(data=DATA, text="momentum pays").content())
    ledger.append(Look(data=DATA, hypothesis=guess.content_hash, run="r1").content())
    ledger.append(RecordedDecision(data=DATA, subject=guess.content_hash, decision="adopted", why="it did").content())
    ledger.append(RecordedDecision(data=DATA, subject="r1", decision="negative", why="costs").content())
    note = NotesReader(ledger.path).read().note("r1")
    assert (note.hypotheses, note.decision, note.why) == (("momentum pays",), "negative", "costs")


def test_seats_are_those_of_the_journal(tmp_path):
    ledger, blocks = Ledger(tmp_path / "ledger.jsonl"), random.Random(5)
    for k in range(40):
        months = tuple(sorted({f"b{blocks.randrange(12)}" for _ in range(2)}))
        ledger.append(champion(f"P{k}", Data(blocks.choice(("BTC 1h", "ETH 1h")), months)))
    seats = NotesReader(ledger.path).read().seats
    books = [one.champion for one in read_book(ledger) if one.champion is not None]
    assert sorted(one.profile for one in seats) == sorted(one["profile"] for one in books)
    assert len(seats) > 1


def test_the_last_champion_of_a_market_holds_its_seat_and_other_data_have_their_own(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for content in (
        champion("SNIPER"),
        champion("EDGE", Data("BTC 1h", ("b2", "b3"))),
        champion("AUDITED", Data("BTC 1h", ("x",))),
        champion("SNIPER", Data("ETH 1h", ("b1",))),
    ):
        ledger.append(content)
    seats = NotesReader(ledger.path).read().seats
    assert [(seat.market, seat.profile) for seat in seats] == [
        ("BTC 1h", "EDGE"),
        ("BTC 1h", "AUDITED"),
        ("ETH 1h", "SNIPER"),
    ]


def test_a_ledger_that_grew_is_read_again(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    reader = NotesReader(ledger.path)
    assert reader.read().seats == ()
    ledger.append(champion("SNIPER"))
    assert len(reader.read().seats) == 1


def test_lines_that_are_no_entries_are_passed_over(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"kind":"champion"}\n"kind":"champion"\n{"content":["kind","champion"],"x":{"kind":"champion"}}\n')
    assert NotesReader(path).read().seats == ()
