import math

import numpy as np
import pytest
import torch

from tradsys.core.errors import ConfigError
from tradsys.models.focal import focal_logit, truth_logit
from tradsys.models.losses import FocalLoss, SupervisedContrastiveLoss


def angles(*degrees: float) -> torch.Tensor:
    turn = np.deg2rad(degrees)
    return torch.from_numpy(np.column_stack([np.cos(turn), np.sin(turn)]))


def test_focal_loss_at_one_half_is_a_quarter_of_log_two() -> None:
    loss = FocalLoss()(torch.zeros(4), torch.tensor([0.0, 1.0, 1.0, 0.0]))
    assert loss.item() == pytest.approx(math.log(2) / 4, rel=1e-6)
    assert math.log(2) / 4 == pytest.approx(0.173287, abs=5e-7)


def test_focal_loss_is_its_formula_with_alpha() -> None:
    logits = torch.tensor([-3.0, -0.4, 0.2, 2.5], dtype=torch.float64)
    targets = torch.tensor([1.0, 0.0, 1.0, 0.0], dtype=torch.float64)
    p = torch.sigmoid(logits)
    right = torch.where(targets > 0, p, 1 - p)
    share = torch.where(targets > 0, 0.25, 0.75)
    plain = (-share * (1 - right) ** 3 * right.log()).mean()
    assert FocalLoss(gamma=3.0, alpha=0.25)(logits, targets).item() == pytest.approx(plain.item(), rel=1e-12)


def test_focal_loss_without_gamma_is_cross_entropy() -> None:
    logits, targets = torch.randn(50), torch.rand(50).round()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    assert FocalLoss(gamma=0.0)(logits, targets).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_and_its_gradient_stay_finite_at_extreme_logits(gamma: float) -> None:
    logits = torch.tensor([-300.0, 300.0, -300.0, 300.0], requires_grad=True)
    loss = FocalLoss(gamma)(logits, torch.tensor([0.0, 0.0, 1.0, 1.0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_focal_optimum_at_the_journals_base_rate() -> None:
    loss = FocalLoss()
    assert float(loss.optimum(0.178)) == pytest.approx(0.3609, abs=5e-5)
    assert float(loss.inverse(0.3609)) == pytest.approx(0.178, abs=1e-4)
    # what the raw score costs against the base rate's own log-loss: 17%
    p, q = 0.178, 0.36094
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    assert (-p * math.log(q) - (1 - p) * math.log(1 - q)) / entropy == pytest.approx(1.17, abs=5e-3)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, None), (2.0, 0.25), (0.5, 0.9), (5.0, 0.1)])
def test_optimum_minimises_the_expected_loss(gamma: float, alpha: float | None) -> None:
    loss, grid = FocalLoss(gamma, alpha), torch.linspace(-6, 6, 120_001, dtype=torch.float64)
    for probability in (0.03, 0.178, 0.5, 0.9):
        one, zero = (loss.each(grid, torch.full_like(grid, target)) for target in (1.0, 0.0))
        expected = probability * one + (1 - probability) * zero
        best = torch.sigmoid(grid[expected.argmin()]).item()
        assert float(loss.optimum(probability)) == pytest.approx(best, abs=2e-4)
        assert loss.zero_information(probability) == pytest.approx(expected.min().item(), rel=1e-7)


def test_zero_information_constant_of_the_journal() -> None:
    assert FocalLoss(alpha=0.25).zero_information(0.5) == pytest.approx(0.0719, abs=5e-5)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, None), (2.0, 0.25), (0.5, 0.9), (5.0, 0.1), (0.0, None)])
def test_the_way_to_focal_scores_and_back_ends_where_it_began(gamma: float, alpha: float | None) -> None:
    logit = np.concatenate([np.linspace(-30, 30, 601), [-800.0, -1e-9, 1e-9, 800.0]])
    there = focal_logit(logit, gamma, alpha)
    np.testing.assert_allclose(truth_logit(there, gamma, alpha), logit, rtol=1e-12, atol=1e-12)
    assert (np.diff(there[:601]) > 0).all()


def test_contrastive_loss_of_the_published_angles() -> None:
    embeddings, labels = angles(0, 20, 50, 120, 180, 250), torch.tensor([0, 0, 0, 1, 1, 1])
    loss = SupervisedContrastiveLoss(temperature=0.1)
    assert loss(embeddings, labels).item() == pytest.approx(2.55362021, abs=5e-9)
    assert loss(7 * embeddings, labels).item() == pytest.approx(2.55362021, abs=5e-9)


def test_contrastive_loss_of_equal_embeddings_is_the_log_of_the_others() -> None:
    loss = SupervisedContrastiveLoss()(torch.ones(9, 4), torch.tensor([0, 1, 0, 1, 2, 2, 2, 0, 1]))
    assert loss.item() == pytest.approx(math.log(8), rel=1e-6)


def test_contrastive_loss_leaves_anchors_without_a_positive_out_of_the_mean() -> None:
    loss, embeddings = SupervisedContrastiveLoss(), angles(0, 40, 170)
    pair = -torch.log_softmax(embeddings[[0, 0]] @ embeddings[[1, 2]].T / 0.1, dim=1)[0, 0]
    other = -torch.log_softmax(embeddings[[1, 1]] @ embeddings[[0, 2]].T / 0.1, dim=1)[0, 0]
    assert loss(embeddings, torch.tensor([0, 0, 1])).item() == pytest.approx((pair + other).item() / 2, rel=1e-9)
    assert loss(embeddings, torch.tensor([0, 1, 2])).item() == 0.0


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="gamma must not be negative, was -1"):
        FocalLoss(gamma=-1)
    with pytest.raises(ConfigError, match="alpha must lie between 0 and 1, was 1"):
        FocalLoss(alpha=1.0)
    with pytest.raises(ConfigError, match="temperature must be positive, was 0"):
        SupervisedContrastiveLoss(temperature=0.0)


LOGITS = torch.tensor([-1.0, 0.5, 2.0])


@pytest.mark.parametrize("targets", [torch.tensor([0, 1, 1]), torch.tensor([False, True, True]), [0, 1, 1]])
def test_whole_numbers_and_truths_are_targets_too(targets) -> None:
    loss = FocalLoss(alpha=0.25)
    assert loss(LOGITS, targets) == loss(LOGITS, torch.tensor([0.0, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("targets", "sentence"),
    [
        (torch.tensor([-1.0, 1.0, 1.0]), "targets are 0 or 1, found -1.0"),
        (torch.tensor([0, 1, 3]), "targets are 0 or 1, found 3"),
        (torch.tensor([0.0, 1.0, 0.7]), "found 0.69.*draw labels from soft ones"),
        (torch.tensor([0.0, 1.0, math.nan]), "found nan"),
        (torch.zeros(3, 1), r"have the shape of the logits, \(3,\), found \(3, 1\)"),
        (torch.zeros(1), r"found \(1,\)"),
    ],
)
@pytest.mark.parametrize("each", [False, True])
def test_targets_that_are_no_outcomes_are_refused(targets, sentence: str, each: bool) -> None:
    loss = FocalLoss()
    with pytest.raises(ConfigError, match=sentence):
        (loss.each if each else loss)(LOGITS, targets)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (torch.tensor([[0], [1], [0]]), r"labels have shape \(3,\).*found \(3, 1\)"),
        (torch.tensor([0, 1]), r"found \(2,\)"),
        (torch.tensor(1), r"found \(\)"),
        (torch.tensor([0.0, math.nan, 0.0]), "labels must be finite"),
    ],
)
def test_labels_of_another_shape_are_not_spread_over_the_embeddings(labels, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        SupervisedContrastiveLoss()(angles(0, 40, 170), labels)


def test_labels_may_be_of_any_kind_that_is_equal_or_not() -> None:
    loss, embeddings, labels = SupervisedContrastiveLoss(), angles(0, 40, 170), torch.tensor([0, 1, 1])
    assert loss(embeddings, labels) == loss(embeddings, labels.bool()) == loss(embeddings, labels.double())


def test_embeddings_are_rows_of_floats() -> None:
    with pytest.raises(ConfigError, match="embeddings are floats of shape"):
        SupervisedContrastiveLoss()(torch.ones(3), torch.tensor([0, 1, 1]))
    with pytest.raises(ConfigError, match="logits are floats"):
        FocalLoss()(torch.tensor([1, 2]), torch.tensor([0, 1]))


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("way", ["inverse", "optimum"])
def test_a_forecast_rounded_to_certainty_stays_certain(gamma: float, way: str) -> None:
    certain = torch.sigmoid(torch.tensor([17.0, -200.0])).numpy()
    assert certain.tolist() == [1.0, 0.0]
    with np.errstate(all="raise"):
        mapped = getattr(FocalLoss(gamma, alpha=0.25), way)([*certain, 0.5, math.nan])
    assert mapped[:2].tolist() == [1.0, 0.0]
    assert 0 < mapped[2] < 1
    assert math.isnan(mapped[3])


@pytest.mark.parametrize("p", [1.2, -0.1, [0.5, math.inf]])
def test_what_is_no_probability_has_no_inverse(p) -> None:
    loss = FocalLoss()
    for way in (loss.inverse, loss.optimum):
        with pytest.raises(ConfigError, match="wanted probabilities between 0 and 1"):
            way(p)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_what_always_or_never_happens_costs_nothing(rate: float) -> None:
    assert FocalLoss().zero_information(rate) == 0.0


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_settings_of_losses_are_finite(number: float) -> None:
    with pytest.raises(ConfigError, match=r"gamma must not be negative, was (nan|inf); give a number"):
        FocalLoss(gamma=number)
    with pytest.raises(ConfigError, match=r"temperature must be positive, was (nan|inf); give a number"):
        SupervisedContrastiveLoss(number)
