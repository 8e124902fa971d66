"""The bot under real SIGKILLs: at every marked step, and at random moments with and without faults."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fire.__main__ import burn_all
from tests.fire.burning import Burnt
from tests.fire.matrix import MEANINGS, judge, page

from tradsys.live.execution.steps import MARKED_STEPS, POINTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fire.md"
TRADE = ["BTC/USDT:USDT", 1, "entry", 0.016, 60_000.0, 60_300.0, "target", False, 4.0]
HELD = Burnt(0, 10_004.0, trades=[TRADE], explained=10_004.0, state="halted", n_ended_while_down=1)


@pytest.mark.slow
def test_killed_at_every_marked_step_and_a_hundred_times_at_random_the_bot_loses_nothing():
    runs = burn_all(100, seed=1, at_once=2)
    quiet = runs[0][1]
    assert {what: judge(what, one, quiet) for what, one in runs} == {what: [] for what, _ in runs}
    assert sum(one.n_random for _, one in runs) >= 100
    assert all(one.n_faults > 20 for what, one in runs if what == "faults")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duplicates": ["a"]}, "duplicates"),
        ({"orphans": ["a"]}, "orphans"),
        ({"positions": {"BTCUSDT": 0.1}}, "positions"),
        ({"open_orders": ["a"]}, "open orders"),
        ({"unprotected_ms": 11_001}, "without a stop for 11001 ms"),
        ({"explained": 10_003.0}, "the journal explains"),
        ({"wallet": 10_003.0, "explained": 10_003.0}, "and undisturbed at 10004.0"),
        ({"trades": [[*TRADE[:7], True, 4.0]]}, "trades that are over"),
        ({"trades": [TRADE, TRADE]}, "trades"),
        ({"state": ""}, "the state is"),
        ({"n_ended_while_down": 0}, "while the bot was down"),
        ({"failures": ["it ended"]}, "it ended"),
    ],
)
def test_a_run_that_did_not_hold_is_told(change, said):
    assert judge("random", HELD, HELD) == []
    assert any(said in one for one in judge("random", replace(HELD, **change), HELD))


def test_a_step_at_which_nobody_died_is_told():
    died = dict.fromkeys(POINTS[1:], 1)
    assert judge("steps", replace(HELD, died_at=died), HELD) == [f"it did not die at {POINTS[0]}"]


def test_the_page_has_every_marked_step_and_says_what_each_is_and_that_all_held():
    text = PAGE.read_text()
    assert re.findall(r"^\| `([a-z.]+:[a-z]+)` \|", text, flags=re.M) == list(POINTS)
    assert set(MEANINGS) == set(MARKED_STEPS)
    assert "**no**" not in text
    assert all(int(n) >= 1 for n in re.findall(r"^\| `[a-z.]+:[a-z]+` \| .* \| (\d+) \|$", text, flags=re.M))
    written = page([("quiet", HELD), ("random", replace(HELD, orphans=["a"]))], command="c")
    assert "**no**: orphans: ['a']" in written
