"""tests `research/walk/steps.py`"""

from tradsys.research.walk.steps import WalkSteps


def steps(told: list) -> WalkSteps:
    return WalkSteps(lambda *step: told.append(step), ["fold 1 of 2", "fold 2 of 2"], [4, 2], 3)


def test_parts_are_fractions_of_their_step_and_never_the_next_one():
    together = steps(told := [])
    together.finish(0)
    say = together.of(1)
    for what in ("regimes", "features", "one too many", "another"):
        say(what)
    assert told == [
        ("fold 2 of 2: regimes", 1.0, 3),
        ("fold 2 of 2: features", 1.5, 3),
        ("fold 2 of 2: one too many", 1.99, 3),
        ("fold 2 of 2: another", 1.99, 3),
    ]


def test_steps_side_by_side_have_come_as_far_as_all_of_them_together():
    together = steps(told := [])
    first, second = together.of(0), together.of(1)
    for say in (first, second, first, second, first):
        say("on")
    together.finish(1)
    first("on")
    assert [done for _, done, _ in told] == [0.0, 0.0, 0.25, 0.75, 1.0, 1.75]
