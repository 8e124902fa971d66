"""What is written, judged again and seated, against a server that only remembers; a real one is in `test_mlflow.py`."""

import shutil
from types import SimpleNamespace

import pytest

from tradsys.core.errors import SourceError
from tradsys.journal.entries import Champion, Data, ScoredForecaster
from tradsys.journal.ledger import Ledger
from tradsys.neighbours import track
from tradsys.neighbours.tracking import JUDGED_AGAINST, market_name
from tradsys.research.judging.rejudge import Replay

MODEL = "tradsys EDGE 1h"


class Remembering:
    """An MLflow that keeps what it is told."""

    def __init__(self):
        self.runs, self.seats, self.n_writes = {}, {}, 0

    def runs_in(self, experiment):
        return dict(self.runs.get(experiment, {}))

    def write(self, run, experiment, *, with_bundle):
        self.n_writes += 1
        made = SimpleNamespace(data=SimpleNamespace(tags=dict(run.tags)))
        self.runs.setdefault(experiment, {})[run.digest] = made
        return made

    def retag(self, run, wanted):
        changed = {key: value for key, value in wanted.items() if run.data.tags.get(key) != value}
        run.data.tags |= changed
        self.n_writes += len(changed)
        return bool(changed)

    def seat(self, model, alias, run, profile, why):
        taken = (run.data.tags["tradsys_run"], profile)
        moved = self.seats.get((model, alias)) != taken
        self.seats[model, alias] = taken
        return moved

    def vacate(self, model, alias):
        return self.seats.pop((model, alias), None) is not None


@pytest.fixture
def place(finished, tmp_path):
    """The finished run, a ledger of its own and a server."""
    shutil.copytree(finished[2] / "journal", tmp_path / "journal")
    return Replay(finished[0].folder), Ledger(tmp_path / "journal" / "ledger.jsonl"), Remembering()


def about(run):
    return Data(run.manifest.market, run.manifest.blocks, run.manifest.fingerprint)


def test_again_writes_nothing(place):
    run, ledger, server = place
    assert track([run], ledger, server).written == [run.name]
    n_writes = server.n_writes
    again = track([run], ledger, server)
    assert (again.written, again.known, again.rejudged, again.moved) == ([], [run.name], [], {})
    assert server.n_writes == n_writes


def test_a_journal_that_has_grown_is_judged_against_anew(place):
    run, ledger, server = place
    track([run], ledger, server)
    (held,) = server.runs[MODEL].values()
    before = held.data.tags[JUDGED_AGAINST]
    ledger.append(ScoredForecaster(data=about(run), experiment="e", agent="another", seed=0).content())
    assert track([run], ledger, server).rejudged == [run.name]
    assert held.data.tags[JUDGED_AGAINST] != before
    assert held.data.tags["verdict.SNIPER"] == run.verdict.profiles["SNIPER"].standing


def test_a_journal_without_its_trials_says_nothing_of_today(place, tmp_path):
    run, _, server = place
    track([run], Ledger(tmp_path / "empty" / "ledger.jsonl"), server)
    (held,) = server.runs[MODEL].values()
    assert not any(key.startswith("verdict_now.") for key in held.data.tags)


def test_a_champion_of_which_there_is_no_run_is_named_and_seats_nobody(place):
    run, ledger, server = place
    ledger.append(
        Champion(data=about(run), run="f" * 64, experiment="x", profile="EDGE", standing="candidate", why="").content()
    )
    done = track([run], ledger, server)
    assert done.unseated == {f"{MODEL}@champion": "f" * 64}
    assert server.seats == {(MODEL, "challenger"): (run.manifest.run, "SNIPER")}


def test_a_seat_that_nobody_holds_any_more_is_vacated(place):
    run, ledger, server = place
    server.seats[MODEL, "champion"] = ("gone", "EDGE")
    assert track([run], ledger, server).moved[f"{MODEL}@champion"] == ""
    assert (MODEL, "champion") not in server.seats


def test_one_broken_run_does_not_keep_the_others_and_a_lost_server_does(place, tmp_path):
    run, ledger, server = place
    (tmp_path / "broken").mkdir()
    done = track([Replay(tmp_path / "broken"), run], ledger, server)
    assert list(done.failed) == ["broken"] and done.written == [run.name]

    def lost(*_, **__):
        raise SourceError("gone")

    server.runs_in = lost
    with pytest.raises(SourceError, match="gone"):
        track([run], ledger, server)


def test_long_names_of_markets_stay_apart():
    one, other = (market_name("BTC/USDT+" * 40 + tail) for tail in ("a", "b"))
    assert len(one) <= 200 and one != other and "/" not in one
