"""Opening a lock-box: refused where nothing can come of it, and asked for where it can."""

import io

import pytest

from tradsys.cli import run as cli
from tradsys.cli.app import main
from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger

QUICK = ["--agent", "logistic", "--open-lockbox", "--set", "regimes.n_starts=1", "--set", "folds.path_groups=0"]
JUDGEABLE = ["--set", "verdict.min_days=20"]


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    simulate("noise", seed=3, n_bars=5_000).write_parquet(tmp_path / "NOISE-1h.parquet")


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self):
        return True


def command(*more):
    return main(["run", "--bars", "NOISE-1h.parquet", *QUICK, *more])


def test_a_history_that_cannot_be_judged_keeps_its_lockbox_closed(capsys):
    assert command("--yes") == 3
    shown = capsys.readouterr().err
    assert "the lock-box holds 43 days, and a verdict needs 300 (verdict.min_days)" in shown
    assert "fold 1" not in shown
    assert Ledger("journal/ledger.jsonl").entries() == []


def test_without_a_terminal_it_takes_yes(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert command(*JUDGEABLE) == 2
    assert "add --yes where that is meant" in capsys.readouterr().err


def test_on_a_terminal_it_asks_and_no_is_no(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert command(*JUDGEABLE) == 2
    shown = capsys.readouterr()
    assert "Open the lock-box?" in shown.out
    assert "stays closed, as you answered" in shown.err
    assert Ledger("journal/ledger.jsonl").entries() == []


@pytest.mark.parametrize(("more", "typed"), [(["--yes"], ""), ([], "y\n")])
def test_yes_opens_it(more, typed, monkeypatch):
    opened = []
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    monkeypatch.setattr(
        "tradsys.research.run.run", lambda *_, **given: opened.append(given["open_the_lockbox"]) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        command(*JUDGEABLE, *more)
    assert opened == [True]
    assert cli.UNPROVEN == 4
