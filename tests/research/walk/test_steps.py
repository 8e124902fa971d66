"""tests `research/walk/steps.py`"""

from tradsys.research.walk.steps import StepsOf


def test_parts_are_fractions_of_their_step_and_never_the_next_one():
    told = []
    say = StepsOf(lambda *step: told.append(step), "fold 2 of 6", 1, 7, n_parts=2)
    for what in ("regimes", "features", "one too many"):
        say(what)
    assert told == [
        ("fold 2 of 6: regimes", 1.0, 7),
        ("fold 2 of 6: features", 1.5, 7),
        ("fold 2 of 6: one too many", 1.99, 7),
    ]
