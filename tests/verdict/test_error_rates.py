"""Every report says how often its verdict is wrong, and says nothing that was not measured."""

import pytest

from tradsys.verdict import error_rates
from tradsys.verdict.results import VerdictSpec


@pytest.fixture
def stored(monkeypatch):
    rate = {"k": 3, "n": 200, "low": 0.003, "high": 0.043}
    worst = {"k": 2, "n": 50, "low": 0.005, "high": 0.137}
    cells = {"noise": {"limit": 0.08, "proven": {"4": rate}}, "bull-free": {"limit": 0.1, "proven": {"4": worst}}}
    summary = {
        "date": "2026-11-26",
        "false_proven": rate,
        "cells": cells | {"edge:2": {"proven": {"4": {"k": 50, "n": 50}}}},
    }
    monkeypatch.setattr(error_rates, "measured_error_rates", lambda: {"fast": summary})


def test_the_line_has_rate_n_interval_and_the_worst_market(stored):
    (line,) = error_rates.calibration_notes(VerdictSpec())
    assert "proven in 1.5% of cases (n = 200 simulated markets, 95% interval 0.3% to 4.3%" in line
    assert "4.0% of 50, on bull-free" in line
    assert "quick stand-ins" in line


def test_other_rules_get_no_measured_rate(stored):
    (line,) = error_rates.calibration_notes(VerdictSpec(alpha=0.1))
    assert "do not hold" in line


def test_nothing_measured_says_nothing(monkeypatch):
    monkeypatch.setattr(error_rates, "measured_error_rates", dict)
    assert error_rates.calibration_notes(VerdictSpec()) == []


def test_the_shipped_figures_can_be_read():
    assert set(error_rates.measured_error_rates()) <= {"fast", "full"}
    assert all("1,000" in note or "n = " in note for note in error_rates.calibration_notes(VerdictSpec()))


def test_each_preset_has_its_line_in_the_words_of_what_it_ran(stored, monkeypatch):
    summary = error_rates.measured_error_rates()["fast"]
    monkeypatch.setattr(error_rates, "measured_error_rates", lambda: {"full": summary})
    (line,) = error_rates.calibration_notes(VerdictSpec())
    assert line == (
        "This procedure calls a market without an edge proven in 1.5% of cases (n = 200 simulated markets, 95% "
        "interval 0.3% to 4.3%; most often, 4.0% of 50, on bull-free), measured on the whole flow as it was by default "
        "on 2026-11-26."
    )
    monkeypatch.setattr(error_rates, "measured_error_rates", lambda: {"fast": summary, "full": summary})
    quick, full = error_rates.calibration_notes(VerdictSpec())
    assert quick.endswith("with quick stand-ins for the regimes and the auditor.")
    assert full == line


def test_a_preset_without_a_market_says_nothing(stored, monkeypatch):
    summary = error_rates.measured_error_rates()["fast"]
    monkeypatch.setattr(error_rates, "measured_error_rates", lambda: {"fast": summary | {"false_proven": {"n": 0}}})
    assert error_rates.calibration_notes(VerdictSpec()) == []


def test_the_figures_are_read_once_from_the_file_that_ships():
    assert error_rates.measured_error_rates() is error_rates.measured_error_rates()
    assert all({"false_proven", "cells"} <= set(one) for one in error_rates.measured_error_rates().values())
