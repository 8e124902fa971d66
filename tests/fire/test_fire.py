"""Lives that are ended by SIGKILL in CI, whether a run that did not hold is told, and the page of those that did.

No time goes on while somebody has work to do (`tests/fire/shared_time.py`): a machine that is busy makes these tests
last longer, and nothing in them late. More of them: `make soak`, `python -m tests.fire`.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fire.__main__ import Wish, burnt_apart, points_of, wrong
from tests.fire.burning import Burnt
from tests.fire.matrix import MEANINGS, NOT_ON_SPOT, judge, missed, page

from tradsys.live.execution.steps import MARKED_STEPS, POINTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fire.md"
TRADE = ["BTC/USDT:USDT", 1, "entry", 0.016, 60_000.0, 60_300.0, "target", False, 4.0]
HELD = Burnt(0, wallet=10_004.0, trades=[TRADE], explained=10_004.0, state="halted", n_ended_while_down=1)

RUNS: tuple[Wish, ...] = (
    ("steps", "usdm", 1, points_of("before")),
    ("steps", "usdm", 1, points_of("after")),
    ("random", "usdm", 1, ()),
    ("random", "spot", 1, ()),
    ("quiet", "usdm", 1, ()),
    ("quiet", "spot", 1, ()),
)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pipe2"), reason="processes share a time on Linux alone")
def test_bots_that_are_killed_again_and_again_leave_what_an_undisturbed_one_leaves():
    runs: list[tuple[str, Burnt]] = []
    with ThreadPoolExecutor(2) as pool:
        for wishes in (RUNS, *((("random", "usdm", seed, ()), ("random", "spot", seed, ())) for seed in (2, 3, 4))):
            runs += zip([wish[0] for wish in wishes], pool.map(burnt_apart, wishes), strict=True)
            if sum(one.n_random for _, one in runs) >= 100:
                break
        if left := missed("usdm", [one for _, one in runs if one.market == "usdm"]):
            runs.append(("steps", burnt_apart(("steps", "usdm", 2, tuple(left)))))
    assert wrong(runs, stepped=("usdm",)) == []
    assert sum(one.n_random for _, one in runs) >= 100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duplicates": ["a"]}, "duplicates"),
        ({"orphans": ["a"]}, "orphans"),
        ({"positions": {"BTCUSDT": 0.1}}, "positions"),
        ({"open_orders": ["a"]}, "open orders"),
        ({"unprotected_ms": 5_001}, "without a stop for 5001 ms"),
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
    one, other = (replace(HELD, died_at=dict.fromkeys(points, 1)) for points in (POINTS[1:9], POINTS[9:]))
    runs = [("quiet", HELD), ("steps", one), ("steps", other)]
    assert wrong(runs, stepped=("usdm",)) == [f"nobody died at {POINTS[0]} (usdm)"]
    assert missed("spot", [one, other]) == [POINTS[0]]
    assert missed("spot", [replace(HELD, died_at=dict.fromkeys(set(POINTS) - NOT_ON_SPOT, 1))]) == []


def test_the_page_has_every_marked_step_and_says_what_each_is_and_that_all_held():
    text = PAGE.read_text()
    assert re.findall(r"^\| `([a-z.]+:[a-z]+)` \|", text, flags=re.M) == list(POINTS)
    assert set(MEANINGS) == set(MARKED_STEPS)
    assert "**no**" not in text
    deaths = re.findall(r"^\| `[a-z.:]+` \| [^|]* \| (\d+)(?: \| (\d+|none there))? \|$", text, flags=re.M)
    assert len(deaths) == len(POINTS)
    assert all(n != "0" for row in deaths for n in row)
    written = page([("quiet", HELD), ("random", replace(HELD, orphans=["a"]))], command="c")
    assert "**no**: orphans: ['a']" in written
