"""The tutorials, typed as they stand: every command of theirs in order, in a folder with a file of bars.

The bot's live bars come from an exchange on this machine; trading with money is left out, and what goes on for hours.
Only the cross-validated paths are turned off, which no verdict reads.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from tests.test_examples import shell_lines

from tradsys.data.simulate import simulate

ROOT = Path(__file__).resolve().parents[1]
BESIDE = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
QUICK = {"TRADSYS_FOLDS__PATH_GROUPS": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": BESIDE}
WORDS = r"(proven|not proven|refuted)"


@dataclass(frozen=True, slots=True)
class Person:
    """Who types the lines of a page, in a folder."""

    folder: Path

    def begins(self, line: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *shlex.split(line, comments=True)],
            cwd=self.folder,
            env=os.environ | QUICK | {"PYTHONUNBUFFERED": "1"} | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def types(self, line: str) -> str:
        with self.begins(line) as command:
            out, err = command.communicate()
        assert command.returncode == 0, f"{line}\n{out}{err}"
        return out


@pytest.fixture
def person(tmp_path):
    """Somebody in a folder that holds a file of bars, and another of some weeks."""
    simulate("noise", seed=7, n_bars=6_000).write_parquet(tmp_path / "BTC-1h.parquet")
    simulate("edge:3").tail(1_200).write_parquet(tmp_path / "some-weeks.parquet")
    return Person(tmp_path)


def commands(page: str, *without: str) -> list[str]:
    """The lines of a tutorial that call tradsys, but for those that hold one of these texts."""
    lines = [line for line in shell_lines((ROOT / "docs" / page).read_text()) if line.startswith("tradsys ")]
    return [line for line in lines if not any(one in line for one in without)]


LEFT_OUT = (
    "binance:BTC/USDT:1h",
    "deploy last --out C",
    "coins-1",
    "--live",
    "tradsys web",
    "--speed",
    "rank --bars",
    "--out R",
    "ranks-1",
)
"""Lines of the paper bot that are on bars of the network, or go on for hours."""

TYPED = {
    "first-run.md": commands("first-run.md"),
    "hypothesis-to-decision.md": commands("hypothesis-to-decision.md"),
    "paper-bot.md": commands("paper-bot.md", *LEFT_OUT),
}
"""What is typed here; tests/test_typed.py types the rest of all pages."""


def verdicts(table: str) -> dict[str, str]:
    """Profile to verdict, of each line of a run's table."""
    return dict(re.findall(rf"^  ([A-Z]+) +{WORDS} +\d", table, flags=re.M))


def shown(page: str) -> list[dict[str, str]]:
    """The verdicts of each table on a page."""
    tables = re.findall(r"^```text\n(  profile .*?)^```", (ROOT / "docs" / page).read_text(), flags=re.M | re.S)
    return [verdicts(table) for table in tables]


@pytest.mark.slow
def test_first_verdict_in_ten_minutes(person):
    printed = [person.types(line) for line in TYPED["first-run.md"]]
    (proven, noise), runs = shown("first-run.md"), [verdicts(text) for text in printed if "report: runs/" in text]
    assert len(runs) == 3
    assert runs[:2] == [proven, noise]
    assert set(proven.values()) == {"proven"}
    assert "refuted" in noise.values() and "proven" not in noise.values()
    assert "proven" not in runs[2].values()
    assert "(4 trials counted" in printed[2]


@pytest.mark.slow
def test_from_hypothesis_to_decision(person):
    printed = {line: person.types(line) for line in TYPED["hypothesis-to-decision.md"]}
    runs = [verdicts(text) for line, text in printed.items() if line.startswith("tradsys run")]
    assert runs == shown("hypothesis-to-decision.md")
    page = (person.folder / "journal" / "journal.md").read_text()
    assert "(negative)" in page


@contextmanager
def exchange(person: Person) -> Iterator[str]:
    """The address of an exchange on this machine, whose bars are those of the last weeks as if they went on now."""
    with person.begins("tests.exchange.server 0 --bars some-weeks.parquet --restamp --history 1000") as server:
        told = ""
        while "http://" not in told:
            told = server.stdout.readline()
            assert server.poll() is None, server.stderr.read()
        yield re.search(r"http://[\d.:]+", told)[0]
        server.send_signal(signal.SIGTERM)


@pytest.mark.slow
def test_a_paper_bot(person):
    lines = TYPED["paper-bot.md"]
    (begin,) = [line for line in lines if "trade B --account paper-1" in line]
    asked = [line for line in lines if "paper-1" in line and line != begin]
    told = {line: person.types(line) for line in lines if "paper-1" not in line}
    assert "verdict as of now: proven" in next(said for line, said in told.items() if "--out B" in line)
    (rested,) = [said for line, said in told.items() if "replay L" in line]
    missed = re.search(r"nobody filled: (\d+) of the account, (\d+) of the simulation", rested)
    assert missed is not None and missed[1] == missed[2] != "0"
    assert len(pl.read_csv(person.folder / "lots.csv")) > 10
    with exchange(person) as url, person.begins(begin, TRADSYS_TRADE__URL=url) as bot:
        while "is traded by" not in person.begins("tradsys trade status --account paper-1").communicate()[0]:
            assert bot.poll() is None, bot.communicate()
            time.sleep(0.5)
        assert len([person.types(line) for line in asked]) == 3
        bot.send_signal(signal.SIGTERM)
        out, err = bot.communicate(timeout=60)
    assert bot.returncode == 0, out + err
    assert "flatten" in out
