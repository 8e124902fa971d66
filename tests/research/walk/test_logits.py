"""Log-odds are computed where they are read: in the test rows, or everywhere for a model with memory."""

from dataclasses import dataclass

import numpy as np
from tests.models.panels import panel_of

from tradsys.models.trees.boosted import Boosted
from tradsys.research.walk.fitting import logits_of


def test_chosen_rows_get_what_all_rows_would_give_them() -> None:
    panel = panel_of(2_000, n_symbols=2)
    fitted = Boosted(max_trees=20).fit(panel, panel.usable(), seed=0)
    rows = (np.arange(2_000) % 7 == 0, np.zeros(2_000, bool))
    first, second = logits_of(fitted, panel, rows)
    np.testing.assert_array_equal(first[rows[0]], fitted.logits(panel.X[0])[rows[0]])
    assert np.isnan(first[~rows[0]]).all() and np.isnan(second).all()


@dataclass(frozen=True)
class Remembering:
    """The mean of all earlier rows."""

    memory: int = 100

    def logits(self, X: np.ndarray) -> np.ndarray:
        return np.nancumsum(X[:, :2], axis=0) / np.arange(1, len(X) + 1)[:, None]


def test_a_model_with_memory_reads_all_rows() -> None:
    panel = panel_of(300)
    (found,) = logits_of(Remembering(), panel, (np.arange(300) == 299,))
    np.testing.assert_array_equal(found, Remembering().logits(panel.X[0]))
