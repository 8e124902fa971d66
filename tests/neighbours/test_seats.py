"""Who is champion and challenger, from the journal's pages."""

from tradsys.journal.book import Idea, MarketBook
from tradsys.neighbours.seats import RunFacts, seats

CHAMPION = {"run": "one", "experiment": "A", "profile": "EDGE", "why": "it won"}


def book(*names, champion=None):
    ideas = tuple(Idea(name, "run", "2026-01-01", f"run {name}") for name in names)
    hypothesis = Idea("guess", "hypothesis", "2026-01-02", "a guess")
    return MarketBook("M", (), 4, 0, 0, 0, "head", champion, (*ideas, hypothesis))


def held(*taken):
    return [(one.alias, one.run, one.profile) for one in taken]


def test_an_empty_seat_has_a_challenger_alone():
    facts = {"one": RunFacts("A", "SNIPER"), "two": RunFacts("B", "SNIPER")}
    assert held(*seats(book("one", "two"), facts)) == [("challenger", "two", "SNIPER")]


def test_the_challenger_is_the_newest_run_that_is_not_the_champions():
    facts = {"one": RunFacts("A", "EDGE"), "two": RunFacts("B", "SNIPER"), "three": RunFacts("A", "EDGE")}
    found = seats(book("one", "two", "three", champion=CHAMPION), facts)
    assert held(*found) == [("champion", "one", "EDGE"), ("challenger", "two", "SNIPER")]


def test_the_champions_configuration_with_another_profile_may_challenge():
    found = seats(book("one", champion=CHAMPION), {"one": RunFacts("A", "SNIPER")})
    assert held(*found)[1:] == [("challenger", "one", "SNIPER")]


def test_runs_that_nobody_tracks_challenge_nobody():
    assert held(*seats(book("one", "two"), {})) == []
