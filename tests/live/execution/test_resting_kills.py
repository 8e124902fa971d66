"""A death at every marked step of a story of entries that rest: it ends as it would have ended."""

from functools import cache

import pytest
from tests.live.execution.resting_story import told
from tests.live.execution.story import Told


@cache
def undisturbed() -> Told:
    return told()


def test_the_story_ends_well():
    story = undisturbed()
    assert [row[6] for row in story.ending.trades] == ["target", "target", "stop", "time"]
    assert (story.ending.positions, story.ending.open_orders, story.ending.state) == ({}, (), "active")
    assert (story.duplicates, story.orphans) == ([], [])
    assert len({point.partition(".")[0] for point in story.points}) >= 6


def check(dies_at: int) -> None:
    told(dies_at).must_end_as(undisturbed(), dies_at)


def test_a_death_at_a_marked_step_changes_nothing():
    points = undisturbed().points
    for point in dict.fromkeys(points):
        check(points.index(point))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 40, 10))
def test_a_death_at_any_passing_of_any_step_changes_nothing(first):
    """A fourth of all passings; the sequences of `make soak` die at the others, too."""
    for dies_at in range(first, len(undisturbed().points), 40):
        check(dies_at)
