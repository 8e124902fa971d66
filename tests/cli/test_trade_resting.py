"""A bundle whose entries rest in the book, traded on a tape by real processes: to its end, killed amid, and ended."""

import signal
import time
from contextlib import closing
from dataclasses import replace
from itertools import count

import pytest
from tests.cli.test_trade_session import SYMBOL, asked, bars, began, place, predictor

from tradsys.bundle.bundle import open_bundle
from tradsys.bundle.deployment import Deployment
from tradsys.cli.app import main
from tradsys.core.limit_entry import LimitEntry
from tradsys.live.account.folder import JOURNAL
from tradsys.live.intents import IntentJournal
from tradsys.live.places import PAPER
from tradsys.live.venue import OrderRefused
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_book import PaperBook
from tradsys.predictor import Predictor

__all__ = ["bars", "place", "predictor"]
ENTRY = LimitEntry(0.3, 3)


@pytest.fixture
def rests(place, predictor):
    """The same working folder with a bundle that enters by limit orders."""
    said = Deployment.of(open_bundle(place / "B").about, "B")
    at_market = Predictor.load(place / "B", log=lambda line: None)
    traded = replace(
        at_market,
        barriers=replace(at_market.barriers, entry=ENTRY),
        valuation=replace(at_market.valuation, entry=ENTRY),
    )
    limits = replace(said, portfolio=replace(said.portfolio, entry=ENTRY))
    (place / "B").rename(place / "at-market")
    traded.save(place / "B", deployment=limits.to_dict())
    return place


def entries(place):
    """Entries that are open at the paper account's venue."""
    with closing(PaperBook(place / "live" / "main" / PAPER, 1.0)) as book:
        return [order for order in book.open_orders() if not order.is_reduce_only]


def test_a_session_is_traded_and_replays_as_the_simulation(rests, capsys):
    assert main(["trade", "B", "--account", "main", "--tape", "tape.parquet"]) == 0
    capsys.readouterr()
    found = asked(capsys, "replay", "B", "--bars", "tape.parquet")
    assert set(found["causes"]) <= {"same", "time_exit", "gap_exit"} and found["causes"]["same"] >= 4
    assert found["n_missed"] == found["n_missed_simulated"] > 0
    assert asked(capsys, "trades")["unfilled"]["missed"] >= found["n_missed"]


def test_its_replay_says_of_orders_that_the_venue_refused_that_nobody_entered(rests, capsys, monkeypatch):
    place, n_entries = PaperVenue.place, count()

    async def refused_now_and_then(self, order):
        if not order.is_reduce_only and next(n_entries) % 3 == 1:
            raise OrderRefused("-4024 Limit price can't be lower than it is.")
        return await place(self, order)

    monkeypatch.setattr(PaperVenue, "place", refused_now_and_then)
    assert main(["trade", "B", "--account", "main", "--tape", "tape.parquet"]) == 0
    capsys.readouterr()
    causes = asked(capsys, "replay", "B", "--bars", "tape.parquet")["causes"]
    assert causes["not_entered"] > 0 and "unexplained" not in causes


@pytest.mark.slow
def test_killed_it_leaves_what_rests_and_told_to_end_it_takes_it_back(rests, capsys):
    with began(rests, "--speed", "3600") as first:
        for line in first.stdout:
            if "  order_sent: " in line and " entry " in line:
                break
        time.sleep(0.1)
        first.kill()
    (left,) = entries(rests)
    assert (left.kind, left.symbol) == ("limit", SYMBOL), "nobody was there to take it back"
    with began(rests, "--speed", "10") as second:
        while not asked(capsys, "status")["status"]["is_running"]:
            time.sleep(0.1)
        deadline_s = time.monotonic() + 60
        while asked(capsys, "status")["status"].get("resting") is None and time.monotonic() < deadline_s:
            time.sleep(0.1)
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0
        second.stdout.read()
    assert entries(rests) == []
    with closing(IntentJournal.reading(rests / "live" / "main" / JOURNAL)) as journal:
        assert {trade.ended for trade in journal.trades(is_open=False)} <= {"withdrawn", "missed", None}
        assert not [one for one in journal.unsettled(SYMBOL) if one.leg == "entry"]
