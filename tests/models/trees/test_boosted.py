"""Boosted trees: how their quantiles are gathered costs time and changes nothing."""

import numpy as np
import xgboost
from tests.models.panels import panel_of

from tradsys.models.linear.logistic import side_problems
from tradsys.models.trees.boosted import Boosted


def test_trees_are_those_of_a_quantile_matrix_to_the_last_byte(monkeypatch) -> None:
    panel = panel_of(6_000)
    problem = side_problems(panel, panel.usable(), np.ones(4, bool))[0]
    own = Boosted()._fit_side(problem, seed=3)
    made = []

    def quantiles(*data: object, **named: object) -> xgboost.DMatrix:
        made.append(xgboost.QuantileDMatrix(*data, **named, max_bin=64, ref=made[-1] if len(made) == 1 else None))
        return made[-1]

    monkeypatch.setattr(xgboost, "DMatrix", quantiles)
    other = Boosted()._fit_side(problem, seed=3)
    assert len(made) == 3
    assert bytes(own.save_raw("ubj")) == bytes(other.save_raw("ubj"))
