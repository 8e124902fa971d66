import numpy as np
import pytest
import torch
from tests.models.training.trainings import bank_of, market, training_set

from tradsys.core.errors import FitError
from tradsys.models.training.crops import Layout, random_starts


def test_crops_reach_every_row_of_their_spans_equally_often_and_no_other() -> None:
    spans = np.array([[10, 14], [30, 80]])
    starts = random_starts(spans, 8, (4000, 5), seed=0).ravel()
    visits = np.zeros(100)
    for offset in range(8):
        np.add.at(visits, starts + offset, 1)
    inside = np.r_[10:14, 30:80]
    assert visits[inside].min() > 0.9 * visits[inside].mean()
    assert visits[inside].max() < 1.1 * visits[inside].mean()
    assert starts.min() == 3
    assert starts.max() == 79


def test_crops_never_see_two_symbols() -> None:
    layout = Layout((50, 20), margin=30)
    rows = [np.arange(part.start, part.stop) for part in layout.rows]
    assert rows[0][0] == 30
    assert rows[1][0] - rows[0][-1] == 31
    assert layout.n_rows - rows[1][-1] == 31
    placed = layout.place([np.full((50, 2), 1.0), np.full((20, 2), np.nan)])
    assert placed.sum() == 100
    assert placed.dtype == np.float32


def test_rows_without_finite_features_are_zero_and_not_known() -> None:
    x, y = market(100)
    x[10, 1], x[20, 2] = np.nan, np.inf
    bank = bank_of(training_set((x, y)))
    rows = bank.layout.rows[0].start + np.array([10, 20])
    assert not bank.known.values[0, rows].any()
    assert int(bank.known.values.sum()) == 98
    assert bank.x.values.abs().max() < 10


def test_what_folds_share_is_held_once_and_each_finds_its_own() -> None:
    one = training_set(market(200))
    scaled = training_set((2 * one.x[0], one.y[0]), upto=0.5)
    bank = bank_of(one, scaled, one)
    assert bank.n_sets == 3
    assert (len(bank.x.values), len(bank.fit.values)) == (2, 2)
    rows = torch.tensor([[[100, 101]]]).expand(3, -1, -1)
    first, second, third = bank.x.at(torch.tensor([0, 1, 2]), rows)
    assert torch.equal(2 * first, second)
    assert torch.equal(first, third)
    assert first[0, 0].numpy() == pytest.approx(one.x[0][100 - bank.layout.margin])


def test_folds_cut_to_other_lengths_are_refused() -> None:
    with pytest.raises(FitError, match=r"found symbols of \(200,\) and \(150,\) bars; mask the rows"):
        bank_of(training_set(market(200)), training_set(market(150)))
