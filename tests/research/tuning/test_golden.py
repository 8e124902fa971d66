"""Who becomes golden: the incumbent, unless another is ahead beyond luck and never comes apart."""

import json
import tomllib

import numpy as np
import pytest

from tradsys.core.errors import FitError
from tradsys.research.tuning.golden import INCUMBENT, Lead, choose, write_golden
from tradsys.research.tuning.objective import N_BLOCKS, TrialScore
from tradsys.research.tuning.trial import FinishedTrial
from tradsys.settings.config import RunConfig

ABOUT = {
    "study": "s", "measure": "skill", "n_trials": 9, "n_pruned": 1, "n_failed": 1, "n_seeds": 2, "market": "EDGE",
    "interval": "1h", "from": "2020", "to": "2021", "ledger_head": "abc",
}  # fmt: skip


def trial(number, value, *, noise=0.1, seed=0, role="", outcome="complete", troubles=(), lucky_seed=0.0):
    rng = np.random.default_rng(seed)
    blocks = value / N_BLOCKS + noise / np.sqrt(N_BLOCKS) * rng.standard_normal(N_BLOCKS)
    by_fold = np.array([part.mean() * N_BLOCKS for part in np.split(blocks, 5)])
    seeds = (tuple(by_fold + lucky_seed), tuple(by_fold - lucky_seed))
    settings = {} if role == INCUMBENT else {"labels.horizon": 6 + number}
    return FinishedTrial(number, settings, TrialScore(seeds, tuple(blocks), troubles), outcome, role)


INCUMBENT_TRIAL = trial(0, 1.0, role=INCUMBENT)


def others(n=8):
    return [trial(k, 0.9, seed=k) for k in range(1, n)]


def test_a_challenger_far_ahead_and_steady_is_golden():
    golden = choose([INCUMBENT_TRIAL, *others(), trial(20, 2.0, seed=9)])
    assert golden.chosen.number == 20
    assert "beats the incumbent beyond luck" in golden.why
    assert golden.runner_up.number != 20


@pytest.mark.parametrize(
    "challenger",
    [
        trial(20, 1.05, seed=9),
        trial(20, 2.0, noise=1.5, seed=9),
        trial(20, 2.0, seed=9, lucky_seed=1.5),
        trial(20, 9.0, outcome="seed 0, fold 1: diverged", troubles=("seed 0, fold 1: diverged",)),
        trial(20, 9.0, outcome="pruned"),
    ],
    ids=["marginal", "unsteady in time", "with one seed only", "diverged", "pruned"],
)
def test_a_challenger_that_is_marginal_or_unstable_does_not_replace_the_incumbent(challenger):
    golden = choose([INCUMBENT_TRIAL, *others(), challenger])
    assert golden.chosen is INCUMBENT_TRIAL


@pytest.mark.parametrize(
    ("lead", "is_convincing"),
    [
        (Lead(5.0, 0.1, 0.2, 5, 5, 2, 2), True),
        (Lead(5.0, 0.1, 0.2, 2, 5, 2, 2), False),
        (Lead(5.0, 0.1, 0.2, 5, 5, 1, 2), False),
        (Lead(0.25, 0.1, 0.2, 5, 5, 2, 2), False),
    ],
    ids=["sure", "in few folds", "with one seed", "within luck"],
)
def test_a_lead_must_hold_beyond_luck_in_most_folds_and_with_every_seed(lead, is_convincing):
    assert lead.is_convincing is is_convincing


def test_the_best_of_many_equals_is_luck():
    """On noise the best of 40 leads by two standard errors; hardly ever may that be enough."""
    changed = 0
    for k in range(100):
        trials = [trial(n, 1.0, noise=1.0, seed=1_000 * k + n) for n in range(1, 40)]
        changed += choose([trial(0, 1.0, noise=1.0, seed=1_000 * k, role=INCUMBENT), *trials]).chosen.number != 0
    assert changed <= 20


def test_nothing_that_could_be_scored_is_an_error():
    failed = trial(0, 1.0, role=INCUMBENT, outcome="too few rows", troubles=("too few rows",))
    with pytest.raises(FitError, match="too few rows"):
        choose([failed])


def test_the_file_is_a_run_s_settings_and_carries_its_evidence(tmp_path):
    config = RunConfig(seed=3, labels={"horizon": 7}, features={"names": ["rsi", "macd"]}, agent={"penalty": 1e-5})
    path = write_golden(tmp_path, choose([INCUMBENT_TRIAL, *others()]), config, ABOUT)
    assert RunConfig.load(file=path) == config
    assert tomllib.loads(path.read_text())["labels"]["horizon"] == 7
    assert "# Why: the incumbent stays" in path.read_text()
    evidence = json.loads((tmp_path / "golden.json").read_text())
    assert evidence["chosen"]["number"] == 0
    assert {"runner_up", "lead_of_the_best", "ledger_head", "experiment"} <= set(evidence)
