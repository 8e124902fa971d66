"""What comes from a host is believed only as far as it was checked: names, links, bytes, and its ledger."""

import hashlib
import shutil

import pytest

from tradsys.core.errors import LedgerError, RemoteError
from tradsys.journal import Ledger
from tradsys.remote import pull


class Told:
    """A host that says what it likes; `there` is what it sends, whatever it was asked for."""

    name = "pod"

    def __init__(self, there, files):
        self.there, self.files, self.options = there, files, []

    def ask(self, action, **asked):
        return {"files": self.files}

    def fetch(self, source, names, target, *options):
        self.options.append(options)
        shutil.copytree(self.there, target, symlinks=True, dirs_exist_ok=True)

    def mirror(self, source, target, *options):
        shutil.copytree(self.there, target, dirs_exist_ok=True)


@pytest.fixture
def told(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (there / "a.txt").write_text("a")
    return Told(there, {"a.txt": hashlib.sha256(b"a").hexdigest()})


@pytest.fixture
def out(tmp_path):
    return tmp_path / "place" / "runs"


@pytest.mark.parametrize(
    "name", ["../a.txt", "runs/one/../../../a.txt", "/a.txt", "runs//a.txt", "runs/../x/manifest.json", "a/.", "a\0b"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(told, out, name):
    told.files = {name: told.files["a.txt"]}
    with pytest.raises(RemoteError, match=r"pod names .* wanted one below its folder: nothing was pulled"):
        pull.pull_files(told, "/pod/jobs/1", out)
    assert told.options == [] and not out.parent.exists()


def test_a_link_in_the_place_of_a_file_is_no_file(told, out, tmp_path):
    (tmp_path / "mine").write_text("a")
    (told.there / "a.txt").unlink()
    (told.there / "a.txt").symlink_to(tmp_path / "mine")
    with pytest.raises(RemoteError, match=r"a\.txt of .* is not what the job wrote"):
        pull.pull_files(told, "/pod/jobs/1", out)
    assert list((out.parent / "pulled").iterdir()) == []
    assert "--no-links" in told.options[0]


def test_a_file_that_nobody_named_is_refused(told, out):
    (told.there / "more.txt").write_text("b")
    with pytest.raises(RemoteError, match=r"more\.txt of "):
        pull.pull_files(told, "/pod/jobs/1", out)
    assert list((out.parent / "pulled").iterdir()) == []


def test_what_came_under_another_name_is_known_the_next_time(told, out):
    taken = out.parent / "pulled" / "1"
    taken.mkdir(parents=True)
    first, second = (pull.pull_files(told, "/pod/jobs/1", out)[2] for _ in range(2))
    assert first == second == taken.with_name("1-2")
    assert len(list(taken.parent.iterdir())) == 2


def test_a_broken_ledger_is_told_by_where_it_lies(told, tmp_path):
    (told.there / "ledger.jsonl").write_text('{"hash": "x"}\n')
    with pytest.raises(LedgerError, match=r"pod:/pod/journal/ledger\.jsonl line 1 is not a ledger entry"):
        pull.pull_ledger(told, "/pod/journal", tmp_path / "journal")
    assert [one.name for one in (tmp_path / "journal").iterdir() if one.name.startswith(".")] == []


def test_the_host_is_told_that_it_knows_all_only_where_it_does(told, tmp_path):
    noted = []
    told.ask = lambda action, **asked: noted.append(asked) or {"files": {}}
    shutil.rmtree(told.there)
    Ledger(told.there / "ledger.jsonl").append({"kind": "hypothesis", "text": "there"})
    journal = tmp_path / "journal"
    Ledger(journal / "ledger.jsonl").append({"kind": "hypothesis", "text": "here"})
    pull.pull(told, "/pod", "1", tmp_path / "runs", journal)
    assert [one for one in noted if "text" in one] == []
    Ledger(told.there / "ledger.jsonl").append({"kind": "hypothesis", "text": "here"})
    pull.pull(told, "/pod", "1", tmp_path / "runs", journal)
    assert [one["text"] for one in noted if "text" in one] == [Ledger(journal / "ledger.jsonl").head]
