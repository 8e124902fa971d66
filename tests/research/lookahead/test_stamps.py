"""A run on symbols or columns that were stamped at another time is refused before anything is fitted."""

from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from tests.data.test_alignment import bars_of, like, market, moves
from tests.research.leaky import OneColumn, quick_experiment

from tradsys.cli.summary import summary
from tradsys.core.errors import ConfigError, DataError
from tradsys.features.feature_set import FeatureSet
from tradsys.features.momentum import LogReturns
from tradsys.journal.ledger import Ledger
from tradsys.report import render
from tradsys.research.lookahead.stamps import check_stamps
from tradsys.research.run import run
from tradsys.research.train import train_bundle
from tradsys.research.tuning import tune as tune_module
from tradsys.research.tuning.space import DEFAULT_SPACE
from tradsys.research.tuning.tune import StudyBudget
from tradsys.settings.config import RunConfig

RETURNS = moves(1, 2_400)
LATE = market({"A": bars_of(RETURNS), "B": bars_of(like(RETURNS, 0.7, 1)), "C": bars_of(like(RETURNS, 0.7, 2), late=1)})


@dataclass(frozen=True)
class OwnSeries(OneColumn):
    """Returns of another market from a series of its own, known `early` bars before their bar closes."""

    early: int
    name: ClassVar[str] = "own_series"

    def until(self, time_ms: int) -> "OwnSeries":
        return self

    def values(self, bars: pl.DataFrame, log_close: np.ndarray) -> np.ndarray:
        told = like(RETURNS, 0.6, 9)
        return np.append(told[self.early :], np.zeros(self.early))


def quick(**settings):
    """The quickest run that there is."""
    return RunConfig(
        agent={"name": "logistic"},
        features={"names": ("returns",)},
        folds={"initial": 0.4, "n_folds": 2, "path_groups": 0},
        regimes={"n_starts": 1},
        **settings,
    )


def test_a_run_is_refused_and_leaves_nothing(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(DataError, match="C goes with the bars of A, B 1 bar earlier"):
        run(LATE, quick(), root=tmp_path / "runs", ledger=ledger)
    assert ledger.entries() == []
    assert not list(tmp_path.glob("runs/*"))


def test_training_is_refused_too(tmp_path):
    with pytest.raises(DataError, match="C goes with the bars of A, B 1 bar earlier"):
        train_bundle(LATE, quick_experiment(), tmp_path / "out", Ledger(tmp_path / "ledger.jsonl"))


def test_what_the_settings_let_pass_stands_in_terminal_report_and_manifest(tmp_path):
    config = quick(alignment={"allow_lead": ["C"]})
    done = run(LATE, config, root=tmp_path / "runs", ledger=Ledger(tmp_path / "ledger.jsonl"), render=render)
    said = "C goes with the bars of A, B 1 bar earlier"
    shown, page = summary(done), done.report.read_text()
    assert f"careful: alignment.allow_lead lets this pass: {said}" in shown
    assert "time stamps: 3 symbols with each other compared over 2,401 bars" in shown
    assert "look-ahead: nothing saw the future;" in shown
    assert "rows each alone" in shown
    assert said in page
    assert "3 symbols with each other compared over 2,401 bars" in page
    assert done.manifest.config["alignment"] == {"allow_lead": ["C"]}


def test_it_is_no_other_configuration():
    assert RunConfig(alignment={"allow_lead": ["C"]}).digest == RunConfig().digest


def test_a_series_that_a_feature_brings_along_is_compared_as_well():
    one = market({"X": bars_of(RETURNS)})
    check_stamps(one, FeatureSet((LogReturns((1,)), OwnSeries(0))))
    with pytest.raises(DataError, match="own_series tells the next bar of X"):
        check_stamps(one, FeatureSet((LogReturns((1,)), OwnSeries(1))))


def test_a_study_compares_it_too_and_takes_its_name_in_the_settings(tmp_path, monkeypatch):
    own = SimpleNamespace(features=FeatureSet((LogReturns((1,)), OwnSeries(1))))
    monkeypatch.setattr(tune_module, "experiment_from", lambda _: own)
    study = partial(tune_module.tune, market({"X": bars_of(RETURNS)}), space=DEFAULT_SPACE, budget=StudyBudget())
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(DataError, match="own_series tells the next bar of X"):
        study(quick(), ledger=ledger)
    with pytest.raises(ConfigError, match="no study"):  # which is looked for once the stamps have passed
        study(quick(alignment={"allow_lead": ["own_series"]}), ledger=ledger, zoom_in="no-such-study")
