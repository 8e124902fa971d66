"""Lines that were cut off, deleted or replaced are noticed, and what they said counts all the same."""

import json
import logging
import shutil
from dataclasses import replace

import pytest
from tests.journal.test_trial import trial

from tradsys.core.errors import LedgerError
from tradsys.journal import Ledger
from tradsys.journal import ledger as ledger_module
from tradsys.journal.judged import JudgedData
from tradsys.journal.kept import lost_sentence

DAY = 86_400_000
TESTED = {"blocks": ["m1"], "opens": 100 * DAY, "closes": 200 * DAY}
LATER = {"blocks": ["m1"], "opens": 300 * DAY, "closes": 400 * DAY}
HERE, THERE = JudgedData(("m1",), 150 * DAY, 160 * DAY), JudgedData(("m1",), 350 * DAY, 360 * DAY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal" / "ledger.jsonl"


@pytest.fixture
def written(path):
    """A note, two trials of two runs, one training and an opening of a later span."""
    ledger = Ledger(path)
    ledger.append({"kind": "hypothesis", "text": "a note", "blocks": ["m1"]})
    for n in range(2):
        ledger.append_trial({"run": f"{n}" * 64, "profile": "P", "blocks": ["m1"], "judged": TESTED}, trial(seed=n))
    ledger.append({"kind": "training", "agent": "resnet", "blocks": ["m1"], "judged": TESTED})
    ledger.append({"kind": "lockbox", "profile": "P", "blocks": ["m1"], "judged": LATER})
    return ledger


def cut(path, n_lines):
    """Leave the first lines alone, as an old copy of the file has them."""
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:n_lines]))


@pytest.mark.parametrize("n_left", [0, 1, 2, 3, 4, 5])
def test_what_counts_counts_whatever_was_cut_off(written, path, n_left):
    before = written.earlier(HERE), written.head_for(HERE), written.openings_on(THERE), written.n_trials_on(THERE)
    cut(path, n_left)
    again = Ledger(path)
    assert again.n_trials_on(HERE) == 3
    assert len(again.lost) == 5 - max(n_left, 1)
    earlier, head, openings, n_inside = before
    assert ([one.digest for one in again.earlier(HERE).series], again.earlier(HERE).n_counted) == (
        [one.digest for one in earlier.series],
        earlier.n_counted,
    )
    assert again.head_for(HERE) == head
    assert [e.content_hash for e in again.openings_on(THERE)] == [e.content_hash for e in openings]
    assert again.n_trials_on(THERE) == n_inside == 1


def test_a_ledger_that_was_deleted_is_counted_from_its_files(written, path):
    path.unlink()
    assert Ledger(path).n_trials_on(HERE) == 3
    assert not path.exists()


def test_the_opening_of_the_ledger_says_which_lines_are_gone_and_what_to_do(written, path, caplog):
    cut(path, 2)
    with caplog.at_level(logging.WARNING):
        Ledger(path)
    (said,) = [one.getMessage() for one in caplog.records]
    assert "lacks lines that were written: 1 opening of a lock-box, 1 training, 1 trial of run 1111111111. " in said
    assert "They count all the same. Restore the file from a copy" in said
    assert "tradsys journal restore" in said


def test_a_whole_ledger_says_nothing(written, path, caplog):
    with caplog.at_level(logging.WARNING):
        assert Ledger(path).lost == ()
    assert not caplog.records


def test_many_runs_are_named_in_a_few_words(written, path):
    lost = [entry for n in range(4) for entry in written.entries("trial")]
    assert lost_sentence(path, lost).startswith(f"{path} lacks lines that were written: 8 trials of runs 0000000000, ")


def test_restoring_writes_them_again_and_the_ledger_says_so(written, path):
    head = written.head_for(HERE)
    cut(path, 2)
    ledger = Ledger(path)
    restored = ledger.restore()
    assert sorted(entry.kind for entry in restored) == ["lockbox", "training", "trial"]
    (said,) = ledger.entries("restored")
    assert said.content["entries"] == [entry.content_hash for entry in restored]
    again = Ledger(path)
    assert (again.lost, again.head_for(HERE), again.n_trials_on(HERE)) == ((), head, 3)
    assert again.restore() == []
    assert len(again.entries()) == 2 + 1 + 3


def test_another_journal_is_merged_by_its_files(written, path, tmp_path):
    other = Ledger(tmp_path / "other" / "ledger.jsonl")
    other.append_trial({"run": "x", "profile": "P", "blocks": ["m1"], "judged": TESTED}, trial(seed=9))
    for name in ("counted", "trials"):
        shutil.copytree(tmp_path / "other" / name, path.parent / name, dirs_exist_ok=True)
    merged = Ledger(path)
    assert merged.n_trials_on(HERE) == 4
    merged.restore()
    assert len(Ledger(path).entries("trial")) == 3


def test_two_ledgers_one_after_the_other_are_no_chain(written, path, tmp_path):
    other = Ledger(tmp_path / "other" / "ledger.jsonl")
    other.append({"kind": "trial", "blocks": ["m1"]})
    path.write_bytes(path.read_bytes() + other.path.read_bytes())
    with pytest.raises(LedgerError, match="line 6 follows 000000000000"):
        Ledger(path)


def test_a_line_that_was_changed_is_an_error_whatever_its_file_says(written, path):
    path.write_text(path.read_text().replace('"resnet"', '"logist"'))
    with pytest.raises(LedgerError, match="line 4 was changed after it was written"):
        Ledger(path)


@pytest.mark.parametrize(
    "change",
    [lambda text: text.replace("resnet", "xgboost"), lambda _: "", lambda _: "[]"],
    ids=["edited", "empty", "a list"],
)
def test_a_kept_entry_that_was_changed_is_refused(written, path, change):
    cut(path, 3)
    (file,) = [f for f in (path.parent / "counted").iterdir() if json.loads(f.read_text())["kind"] == "training"]
    file.write_text(change(file.read_text()))
    with pytest.raises(LedgerError, match="is not the entry that its name says; restore it from a copy"):
        Ledger(path)


class Killed(BaseException):
    """As if the process ended there."""


class TestKilledWhileItWrites:
    """Whatever was written last, what was tried counts where it was tried, and nowhere else."""

    @pytest.fixture
    def kill_at(self, monkeypatch):
        """Ends the next write where it would call this."""

        def die(*_):
            raise Killed

        def kill(place):
            owner, _, name = place.rpartition(".")
            monkeypatch.setattr(getattr(ledger_module, owner) if owner else ledger_module, name, die)
            return monkeypatch.undo

        return kill

    @pytest.mark.parametrize("place", ["KeptEntries.put", "TrialFiles.store", "_write_all"])
    def test_a_new_trial_counts_where_it_was_tried(self, written, path, kill_at, place):
        content = {"run": "2" * 64, "profile": "P", "blocks": ["m1"], "judged": TESTED}
        revive = kill_at(place)
        with pytest.raises(Killed):
            written.append_trial(content, trial(seed=9))
        revive()
        again = Ledger(path)
        assert again.n_trials_on(JudgedData(("another market",), 0, 99_999 * DAY)) == 0
        assert again.n_trials_on(HERE) == (3 if place == "KeptEntries.put" else 4)
        again.append_trial(content, trial(seed=9))
        assert (again.lost, again.n_trials_on(HERE), len(again.earlier(HERE).series)) == ((), 4, 3)

    def test_one_that_got_other_delayed_returns_can_be_read(self, written, path, kill_at):
        late = [replace(trial(seed=9), delayed=share * trial(seed=9).daily) for share in (0.5, 0.4)]
        content = {"run": "2" * 64, "profile": "P", "blocks": ["m1"]}
        written.append_trial(content | {"code": "a"}, late[0])
        revive = kill_at("_write_all")
        with pytest.raises(Killed):
            written.append_trial(content | {"code": "b"}, late[1])
        revive()
        assert Ledger(path).load_trial(late[1].digest).delayed_digest == late[1].delayed_digest


class TestSeriesOfEarlierVersions:
    """They kept no file of what they entered: a series without a line says when it was tested, and no more."""

    @pytest.fixture
    def span(self, written, path):
        shutil.rmtree(path.parent / "counted")
        cut(path, 2)
        grid = trial(seed=1).grid
        return int(grid[0]), int(grid[-1])

    def test_counts_for_whatever_is_judged_at_its_time(self, path, span):
        opens, closes = span
        ledger = Ledger(path)
        assert ledger.n_trials_on(JudgedData(("another market",), opens, closes)) == 1
        assert ledger.n_trials_on(JudgedData(("another market",), closes + DAY, closes + 9 * DAY)) == 0
        assert len(ledger.earlier(JudgedData(("another market",), opens, closes)).series) == 1

    def test_is_not_restored_since_nothing_tells_its_data(self, path, span):
        ledger = Ledger(path)
        assert ledger.restore() == []
        assert len(Ledger(path).lost) == 1
