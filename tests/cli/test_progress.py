"""tests `cli/progress.py`"""

import pytest

from tradsys.cli.progress import Lines, TimeLeft


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
