from dataclasses import replace

import numpy as np
import pytest
from tests.research.diagnostics.planted import N_BARS, outcome_of, spec_of

from tradsys.features.momentum import LaggedReturns
from tradsys.research.calibration.scenarios import calibration_experiment
from tradsys.research.diagnostics.adversarial import (
    _mean_interval,
    _sentence,
    adversarial_validation,
)
from tradsys.runs.diagnostics import GiveawayMetrics
from tradsys.runs.section import Band

pytestmark = pytest.mark.slow


TREND = np.linspace(0, 6, N_BARS)
STEP = np.where(np.arange(N_BARS) < N_BARS // 2, 0.0, 1.5)
"""The later half stands elsewhere: from fold 3 on, whose test block is the first of it."""


def interval(value, low=None, high=None):
    return Band(value=value, low=low, high=high)


@pytest.fixture(scope="module")
def spec():
    """Quick columns, so that six blocks of a month know what is luck; no trees."""
    return replace(spec_of((LaggedReturns(),)), forecasters=calibration_experiment("fast", seed=0).forecasters)


@pytest.fixture(scope="module")
def noise(spec):
    return outcome_of(spec)


def test_a_column_that_drifts_is_told_and_named(spec):
    found = adversarial_validation(outcome_of(spec, level=TREND), spec)
    assert found.auc.low > 0.6
    assert {one.column for one in found.giveaways[:2]} == {"volume", "volume_again"}
    assert all(one.shift > 1 for one in found.giveaways[:2])
    assert "unlike what was trained on" in found.sentence
    assert "mostly volume" in found.sentence


def test_a_change_shows_in_the_fold_that_it_begins_and_is_ordinary_to_those_after_it(spec):
    found = adversarial_validation(outcome_of(spec, level=STEP), spec)
    areas = [one.auc for one in found.folds]
    assert int(np.argmax(areas)) == 3
    assert areas[3] > 0.75
    assert max(areas[:3]) < 0.6
    ordinary = [one.ordinary for one in found.folds]
    assert max(ordinary[:4]) < ordinary[4] < ordinary[5]
    assert [one.n_stretches for one in found.folds] == [2, 3, 4, 5, 6, 7]


def test_the_test_blocks_of_noise_look_like_what_was_trained_on(noise, spec):
    found = adversarial_validation(noise, spec)
    assert adversarial_validation(noise, spec) == found
    assert found.auc.low <= 0.5 <= found.auc.high
    assert found.sentence.startswith("The test blocks look like what was trained on: AUC 0.")


def test_blocks_too_short_for_what_a_row_looks_back_on_say_nothing(noise, spec):
    lookback = noise.results[0].predictor.features.lookback
    first = noise.results[0]
    fold = replace(first.fold, closes=first.fold.opens + (lookback // 3) * 6 * 3_600_000 - 6 * 3_600_000)
    found = adversarial_validation(replace(noise, results=[replace(first, fold=fold), *noise.results[1:]]), spec)
    assert (found.auc, found.folds) == (None, ())
    assert "cannot be said" in found.sentence


def test_the_interval_is_students_over_the_folds():
    band = _mean_interval([0.5, 0.6, 0.7])
    assert band.value == pytest.approx(0.6)
    assert band.high - band.value == pytest.approx(4.302652729911275 * 0.1 / np.sqrt(3))
    assert _mean_interval([0.5, 0.7]) == interval(0.6)


@pytest.mark.parametrize(
    ("low", "excess", "words"),
    [(0.48, 0.05, "look like"), (0.55, -0.02, "as stretches of"), (0.55, 0.02, "more than stretches of")],
)
def test_the_sentence_says_which_of_three(low, excess, words):
    shown = tuple(GiveawayMetrics(column=one, share=0.6, shift=1.0, spread=1.0) for one in "ab")
    said = _sentence(interval(0.6, low, 0.7), 0.55, interval(0.05, excess, 0.1), shown, 6)
    assert words in said
    assert ("mostly a and b" in said) == (low > 0.5)


def test_two_folds_are_too_few_for_an_answer():
    assert _sentence(interval(0.9), None, None, (), 2).startswith("Too few folds")
