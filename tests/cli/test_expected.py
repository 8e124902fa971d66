"""tests `cli/expected.py`"""

from tests.machine.test_plan import machine

from tradsys.cli.expected import expected_seconds, expected_text
from tradsys.cli.loading import run_work
from tradsys.machine.plan import make_plan


def said(n_rows, *, n_folds=6, has_network=False):
    return expected_text(run_work(n_rows, has_network=has_network), make_plan(machine(), "safe"), n_rows, n_folds)


def test_what_was_measured_is_expected():
    assert 40 < expected_seconds(43_800, 6) < 65


def test_a_short_run_is_one_line_with_its_memory_and_time():
    assert said(43_800).startswith("expected: about 0.8 GB of the ")
    assert "about 50 s on a core" in said(43_800)
    assert "\n" not in said(43_800)


def test_a_network_is_said_to_take_longer():
    assert "training of a network" in said(43_800, has_network=True)
    assert "training" not in said(43_800)


def test_a_long_run_says_what_would_be_quicker_and_by_how_much():
    _, quicker = said(2_000_000).split("\n")
    assert "take about 7 min" in quicker
    assert "--set folds.n_folds=2 about 22 min" in quicker
