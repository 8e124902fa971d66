"""A death at any marked step of a story of target weights: it ends as it would have ended."""

from functools import cache

import pytest
from tests.live.execution.story import Told
from tests.live.execution.target_story import told


@cache
def undisturbed() -> Told:
    return told()


def check(dies_at: int) -> None:
    told(dies_at).must_end_as(undisturbed(), dies_at)


def test_the_story_of_target_weights_ends_well() -> None:
    story = undisturbed()
    assert [(row[1], row[6]) for row in story.ending.trades] == [
        (1, "rebalanced"), (-1, "stop"), (1, "forced"), (1, "rebalanced"),
    ]  # fmt: skip
    assert (story.ending.positions, story.ending.open_orders, story.ending.state) == ({}, (), "active")
    assert (story.duplicates, story.orphans) == ([], [])


@pytest.mark.parametrize("number", range(32))
def test_a_death_at_a_marked_step_of_target_weights_changes_nothing(number: int) -> None:
    """The first passing of each, as far as the story passes so many."""
    points = undisturbed().points
    first = sorted({points.index(point) for point in points})
    assert len(first) == 32
    check(first[number])


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 40, 10))
def test_a_death_at_any_passing_of_any_step_of_target_weights_changes_nothing(first: int) -> None:
    """A fourth of all passings; the sequences of `make soak` die at the others, too."""
    for dies_at in range(first, len(undisturbed().points), 40):
        check(dies_at)
