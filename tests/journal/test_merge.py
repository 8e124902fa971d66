"""Two ledgers made one: every entry, series and path of the other, each once, in its order and with its time."""

import json
from datetime import datetime

import numpy as np
import pytest
from tests.journal.test_lost_lines import HERE, LATER, TESTED, cut
from tests.journal.test_trial import trial

from tradsys.core.errors import LedgerError
from tradsys.core.price_path import PricePath
from tradsys.journal import Ledger
from tradsys.journal.book import reigning
from tradsys.journal.chain import FIRST, LedgerEntry, chained, line_of, sha256
from tradsys.journal.judged import JudgedData
from tradsys.journal.merge import merge, unknown_there


def filled(folder, seeds):
    """A ledger with a note and a trial for each of the seeds."""
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append({"kind": "hypothesis", "text": f"seeds {seeds}", "blocks": ["m1"]})
    for n in seeds:
        ledger.append_trial({"run": f"{n}" * 64, "profile": "P", "blocks": ["m1"], "judged": TESTED}, trial(seed=n))
    return ledger


def contents(ledger):
    return {entry.content_hash for entry in ledger.entries()}


@pytest.fixture
def here(tmp_path):
    return filled(tmp_path / "here", (0, 1))


@pytest.fixture
def there(tmp_path):
    return filled(tmp_path / "there", (1, 2, 3))


def test_the_others_trials_count_here_and_merging_again_adds_nothing(here, there, tmp_path):
    merged = merge(here, tmp_path / "there")
    assert (merged.n_added, merged.n_counted, merged.n_known) == (3, 2, 1)
    assert here.n_trials_on(HERE) == 4
    earlier = Ledger(here.path).earlier(HERE)
    assert earlier.n_counted == 0 and {one.digest for one in earlier.series} == {trial(seed=n).digest for n in range(4)}
    head, again = here.head, merge(here, tmp_path / "there")
    assert (again.n_added, again.n_counted, again.n_known) == (0, 0, 4)
    assert Ledger(here.path).head == head


def test_merged_both_ways_both_hold_all_and_judge_alike(here, there, tmp_path):
    merge(here, tmp_path / "there")
    merge(there, tmp_path / "here")
    assert contents(here) == contents(there) and len(contents(here)) == 6
    assert here.head_for(HERE) == there.head_for(HERE)


def test_the_other_ledger_stays_as_it_is(here, there, tmp_path):
    before = (tmp_path / "there" / "ledger.jsonl").read_bytes()
    merge(here, tmp_path / "there")
    assert (tmp_path / "there" / "ledger.jsonl").read_bytes() == before


def test_entries_keep_their_order_and_their_time(here, there, tmp_path, monkeypatch):
    theirs = there.entries()

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2031, 1, 1, tzinfo=tz)

    monkeypatch.setattr("tradsys.journal.ledger.datetime", Later)
    known = contents(here)
    merge(here, tmp_path / "there")
    added = [entry for entry in here.entries() if entry.content_hash not in known]
    wanted = [entry for entry in theirs if entry.content_hash not in known]
    assert [(e.content_hash, e.at) for e in added] == [(e.content_hash, e.at) for e in wanted]
    assert here.append({"kind": "hypothesis", "text": "now", "blocks": ["m1"]}).at.startswith("2031")


def test_the_last_word_is_the_latest_wherever_it_was_written(here, there, tmp_path, monkeypatch):
    def say(ledger, year, **content):
        class Then(datetime):
            @classmethod
            def now(cls, tz=None):
                return cls(year, 1, 1, tzinfo=tz)

        with monkeypatch.context() as patched:
            patched.setattr("tradsys.journal.ledger.datetime", Then)
            ledger.append({"market": "M", "blocks": ["m1"], **content})

    for ledger, year in ((here, 2031), (there, 2030)):
        say(ledger, year, kind="champion", name=str(year))
        say(ledger, year, kind="decision", subject="s", decision=str(year))
    merge(here, tmp_path / "there")
    merge(there, tmp_path / "here")
    for ledger in (here, there):
        assert reigning(ledger, "M", ["m1"]).content["name"] == "2031"
        assert ledger.latest("decision", subject="s").content["decision"] == "2031"


def test_what_the_other_lacks_is_told(here, there, tmp_path):
    merge(here, tmp_path / "there")
    assert [one.content.get("run", "note")[0] for one in unknown_there(here, tmp_path / "there")] == ["n", "0"]
    merge(there, tmp_path / "here")
    there.append({"kind": "restored", "after": there.head, "entries": []})
    assert unknown_there(there, tmp_path / "here") == []
    cut(here.path, 1)
    assert len(unknown_there(there, tmp_path / "here")) == 5


@pytest.mark.parametrize("at", ["2030", "2030-01-01T00:00:00+02:00", '2030-01-01T00:00:00+00:00","x":"', 7])
def test_a_line_whose_time_is_none_is_refused(here, tmp_path, at):
    text = '{"kind":"hypothesis"}'
    entry = LedgerEntry(chained(FIRST, at, sha256(text)), FIRST, sha256(text), {}, json.dumps(at)[1:-1])
    folder = tmp_path / "odd"
    folder.mkdir()
    line = line_of(entry, text) if isinstance(at, str) else line_of(entry, text).replace(b'"at":""', b'"at":7')
    (folder / "ledger.jsonl").write_bytes(line)
    with pytest.raises(LedgerError, match=r"its time is .*, no time in UTC"):
        merge(here, folder)


def test_paths_of_prices_come_too(here, there, tmp_path):
    path = PricePath(10, np.linspace(1.0, 2.0, 400, dtype=np.float32))
    there.keep_paths([path])
    merge(here, tmp_path / "there")
    kept = here.path.parent / "paths" / f"{path.digest}.safetensors"
    assert PricePath.from_bytes(kept.read_bytes()).digest == path.digest


def test_lines_that_the_other_lost_count_here_and_what_it_says_of_them_does_not_come(here, there, tmp_path):
    cut(there.path, 2)
    merge(here, tmp_path / "there")
    assert here.n_trials_on(HERE) == 4 and not here.lost
    Ledger(there.path).restore()
    assert merge(here, tmp_path / "there").n_added == 0


def test_a_series_of_unknown_data_counts_here_as_it_does_there(here, there, tmp_path):
    cut(there.path, 3)
    for file in (tmp_path / "there" / "counted").iterdir():
        file.unlink()
    assert merge(here, tmp_path / "there").n_added == 3
    assert len(Ledger(here.path).lost) == len(Ledger(there.path).lost) > 0
    assert merge(here, tmp_path / "there").n_added == 0


def test_a_series_that_was_lost_here_comes_back(here, there, tmp_path):
    merge(here, tmp_path / "there")
    lost = here.path.parent / "trials" / f"{trial(seed=2).digest}.safetensors"
    lost.unlink()
    assert merge(here, tmp_path / "there").n_added == 0 and lost.exists()


def test_an_opening_of_a_lockbox_counts_here(here, there, tmp_path):
    there.append({"kind": "lockbox", "profile": "P", "blocks": ["m1"], "judged": LATER})
    merge(here, tmp_path / "there")
    assert len(here.openings_on(JudgedData.of_entry({"judged": LATER}))) == 1


def test_a_folder_without_a_ledger_and_a_changed_series_are_refused(here, there, tmp_path):
    with pytest.raises(LedgerError, match=r"holds no ledger.jsonl"):
        merge(here, tmp_path / "nowhere")
    wrong = tmp_path / "there" / "trials" / f"{trial(seed=2).digest}.safetensors"
    wrong.write_bytes((wrong.parent / f"{trial(seed=3).digest}.safetensors").read_bytes())
    before = here.path.read_bytes()
    with pytest.raises(LedgerError, match=r"not what its name says"):
        merge(here, tmp_path / "there")
    assert all(isinstance(entry, LedgerEntry) for entry in here.entries())
    assert trial(seed=2).digest not in here.path.read_bytes().decode() and here.path.read_bytes().startswith(before)
