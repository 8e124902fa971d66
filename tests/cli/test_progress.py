"""Long work names every part, counts its steps, and says how long the rest of the part takes once it has a pace."""

import re

import pytest

from tradsys.cli.progress import MARKS, Lines, TimeLeft, reporter
from tradsys.data.market import load_market
from tradsys.data.simulate.market import simulate_universe
from tradsys.journal.ledger import Ledger
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.run import run
from tradsys.runs.at_work import jobs
from tradsys.settings.config import RunConfig


class Clock:
    """A clock that stands where it was put."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def log():
    clock, lines = Clock(), []
    return clock, lines, Lines(lines.append, clock)


def test_every_step_gets_a_line_and_its_parts_no_more_than_one_in_five_seconds(log):
    clock, lines, show = log
    for after, what, done in [
        (0, "fold 1: regimes", 0.0),
        (1, "fold 1: features", 0.1),
        (2, "fold 1: logistic", 0.2),
        (6, "fold 1: XGBoost", 0.4),
        (7, "fold 1: deciding", 0.8),
        (8, "fold 2: regimes", 1.0),
    ]:
        clock.now = 100.0 + after
        show(what, done, 7)
    assert [line.partition("] ")[2] for line in lines] == [
        "fold 1: regimes (0/7)",
        "fold 1: XGBoost (0/7, about 2 min left)",
        "fold 2: regimes (1/7, about 50 s left)",
    ]


def test_steps_that_are_whole_are_never_left_out(log):
    _, lines, show = log
    for done in (1, 2, 2, 3):
        show("bars", done, 3)
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([(0, 4, 0), (10, 4, 1)], "about 30 s left"),
        ([(0, 90, 80), (10, 90, 81)], "about 90 s left"),  # what was done before tells no pace
        ([(0, 4, 0), (2, 4, 1)], ""),
        ([(0, 4, 0), (60, 4, 4)], ""),
        ([(0, 4, 0), (60, 15, 0)], ""),
        ([(0, 7, 6), (60, 15, 3), (90, 15, 9)], "about 30 s left"),
        ([(0, 4, 0), (10, 4, 3), (60, 4, 0)], ""),  # as many steps, begun anew
        ([(0, 4, 3), (60, 4, 0), (90, 4, 1)], "about 90 s left"),
    ],
)
def test_the_rest_is_told_by_the_pace_of_this_work(steps, said):
    clock = Clock()
    left = TimeLeft(clock)
    for after, total, done in steps:
        clock.now = 100.0 + after
        text = left.text("something", done, total)
    assert text == said.replace("90 s", "2 min")


def test_words_that_tell_the_rest_themselves_are_left_alone(log):
    clock, lines, show = log
    show("noise 3, about 9 min left", 1, 10)
    clock.now += 60
    show("noise 4, about 8 min left", 2, 10)
    assert lines[-1].endswith("noise 4, about 8 min left (2/10)")


def test_nothing_of_a_run_is_silent_and_its_last_word_is_finished(tmp_path):
    simulate_universe(6, seed=3, n_bars=24 * 300).write_parquet(tmp_path / "SIX-1h.parquet")
    config = RunConfig().with_settings(
        {"universe.min_listed_days": 1, "verdict.min_days": 30, "verdict.n_bootstrap": 99}
    )
    said = []
    run(
        load_market([tmp_path / "SIX-1h.parquet"]),
        config,
        procedure=RankProcedure.of,
        root=tmp_path / "runs",
        ledger=Ledger(tmp_path / "journal" / "ledger.jsonl"),
        progress=lambda *step: said.append(step),
    )
    assert [what for what, _, _ in said] == [
        "comparing time stamps",
        "ranking",
        "taking the future away",
        "judging against all that was tried",
        "measuring",
        "writing tables and bundle",
        "writing the report",
        "finished",
    ]
    assert all(0 <= done <= total for _, done, total in said)


OWN_MARKS = {"run.py", "tune.py", "calibrate.py"}
"""What they call leaves a mark beside its results."""


def test_all_long_work_leaves_a_mark(repository):
    """Whatever shows how far it is stands on the overview of `tradsys web` too."""
    calls = re.compile(r"\breporter\((.+)\) as \w+:")
    files = {path.name: calls.findall(path.read_text()) for path in (repository / "src/tradsys/cli").glob("*.py")}
    assert {name for name, found in files.items() if any("job=" not in one for one in found)} - {
        "progress.py"
    } == OWN_MARKS
    assert {"train.py", "lookahead.py", "compare.py", "deploy.py", "data.py"} < {name for name in files if files[name]}


def test_a_mark_is_there_while_the_work_is_and_tells_how_far_it_has_come(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tradsys.runs.at_work._EVERY_S", 0.0)
    with reporter(quiet=True, job="train resnet on BTC") as show:
        show("fold 2 of 6", 1.0, 6)
        (job,) = jobs(MARKS)
        assert (job.title, job.stage, job.n) == ("train resnet on BTC", "fold 2 of 6", 6)
    assert list(tmp_path.iterdir()) == []
