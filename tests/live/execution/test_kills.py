"""A death at every marked step, before and after: the story ends as it would have ended."""

from functools import cache

import pytest
from tests.live.execution.story import Told, told

from tradsys.live.execution.steps import POINTS


@cache
def undisturbed() -> Told:
    return told()


def check(dies_at: int) -> None:
    told(dies_at).must_end_as(undisturbed(), dies_at)


def test_the_story_passes_every_marked_step_and_ends_well():
    story = undisturbed()
    assert set(story.points) == set(POINTS)
    assert [row[6] for row in story.ending.trades] == [
        "target", "stop", "time", "time", "forced", "unknown", "forced", "forced",
    ]  # fmt: skip
    assert (story.ending.positions, story.ending.open_orders, story.ending.state) == ({}, (), "halted")
    assert (story.duplicates, story.orphans) == ([], [])


@pytest.mark.parametrize("point", POINTS)
def test_a_death_at_a_marked_step_changes_nothing(point):
    check(undisturbed().points.index(point))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 40, 10))
def test_a_death_at_any_passing_of_any_step_changes_nothing(first):
    """A fourth of all passings; the sequences of `make soak` die at the others, too."""
    for dies_at in range(first, len(undisturbed().points), 40):
        check(dies_at)
