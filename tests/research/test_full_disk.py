"""A disk that is full: known before the work, and where it fails at the end, no folder and an entry that says so."""

import errno
import shutil
from collections import namedtuple

import polars as pl
import pytest

from tradsys.core.errors import DiskError
from tradsys.journal.book import read_book
from tradsys.journal.ledger import Ledger
from tradsys.journal.page import journal_page
from tradsys.research.judging.logbook import recorded_if_unwritten
from tradsys.research.run import run
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.runs.folder import RunFolder

Usage = namedtuple("Usage", "total used free")
FULL = OSError(errno.ENOSPC, "No space left on device", "a file")
AS_POLARS_SAYS = pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)")


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "journal" / "ledger.jsonl")


def test_too_little_space_is_known_before_the_work(small_market, quick_config, ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1_000_000))
    monkeypatch.setattr("tradsys.research.procedures.experiment.run_experiment", failing(AssertionError("worked")))
    with pytest.raises(
        DiskError, match=r"the run's folder takes about 4 MB, and the disk of .* has 1 MB left; free some"
    ):
        run(small_market, quick_config, root=tmp_path / "runs", ledger=ledger)
    assert ledger.entries() == []


def test_a_failure_at_the_end_of_a_run_leaves_no_folder_and_an_entry(
    small_market, quick_config, ledger, tmp_path, monkeypatch
):
    monkeypatch.setattr(pl.DataFrame, "write_parquet", failing(AS_POLARS_SAYS))
    with pytest.raises(DiskError, match=r"the run was made, but it could not be written: No space left on device"):
        run(small_market, quick_config, root=tmp_path / "runs", ledger=ledger)
    assert list((tmp_path / "runs").iterdir()) == []
    again = Ledger(ledger.path)
    assert len(again.entries("trial")) == 4
    (entry,) = again.entries("unwritten")
    assert entry.content["reason"] == "it could not be written: No space left on device"
    page = journal_page(read_book(again))
    assert "a run whose folder could not be written; " in page
    assert "regimes.n_starts=2" in page
    assert again.entries("failure") == []  # no mark against the configuration


def write(market, config, ledger, root):
    """The end of a run: files in a folder that the ledger is told of where they cannot be written."""
    spec = experiment_on(market, config)
    with recorded_if_unwritten(market, spec, config, ledger, code="c"), RunFolder.writing(root, "mine") as folder:
        folder.write_bytes("report.html", b"page")
        folder.write_parquet("bars.parquet", pl.DataFrame({"a": [1]}))
        return folder.finish()


@pytest.mark.parametrize("where", ["write_bytes", "write_parquet", "sync", "_take"])
def test_wherever_the_writing_fails_it_is_told_and_nothing_is_left(
    where, small_market, quick_config, ledger, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, where, failing(FULL))
        with pytest.raises(
            DiskError,
            match=r"\(a file\); no folder is left, trials that were entered count, and .*ledger\.jsonl says so",
        ):
            write(small_market, quick_config, ledger, tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []
    assert len(ledger.entries("unwritten")) == 1
    assert write(small_market, quick_config, ledger, tmp_path / "runs").name == "mine"


def test_a_ledger_on_a_full_disk_is_said_to_know_nothing(small_market, quick_config, ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(Ledger, "append", failing(FULL))
    monkeypatch.setattr(RunFolder, "sync", failing(FULL))
    with pytest.raises(DiskError, match=r"ledger\.jsonl could not be told either"):
        write(small_market, quick_config, ledger, tmp_path / "runs")


def test_a_fault_that_is_no_disks_stays_what_it_is(small_market, quick_config, ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(pl.DataFrame, "write_parquet", failing(pl.exceptions.ComputeError("a column of another type")))
    with pytest.raises(pl.exceptions.ComputeError, match="another type"):
        write(small_market, quick_config, ledger, tmp_path / "runs")
    assert ledger.entries() == []
    assert list((tmp_path / "runs").iterdir()) == []


def test_an_interrupted_run_leaves_no_folder_either(tmp_path):
    with pytest.raises(KeyboardInterrupt), RunFolder.writing(tmp_path, "mine") as folder:
        folder.write_bytes("a", b"b")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_line_of_the_ledger_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    import os

    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append({"kind": "note", "n": 1})
    before, write = ledger.path.read_bytes(), os.write

    def half(descriptor, line):
        if len(line) < 20:
            raise FULL
        return write(descriptor, line[: len(line) - 10])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        ledger.append({"kind": "note", "n": 2})
    assert ledger.path.read_bytes() == before
