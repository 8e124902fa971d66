import torch

from tradsys.models.training.optimiser import AveragedAdamW

ONE = torch.ones(1, 1, dtype=torch.int64)


def optimiser(theta: torch.Tensor, *, decay: float = 0.0, clip: float = 1.0, ema: float = 0.5) -> AveragedAdamW:
    decay_, clip_, ema_ = (torch.full((len(theta), 1), value) for value in (decay, clip, ema))
    return AveragedAdamW(theta, torch.ones(theta.shape[1]), decay=decay_, clip=clip_, ema=ema_)


def test_optimiser_follows_torchs_adamw() -> None:
    start = torch.linspace(-1, 1, 12)
    theirs = torch.nn.Parameter(start.clone())
    reference = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)
    ours = optimiser(start.clone()[None], decay=0.1, clip=1e9)
    active = torch.ones(1, 1, dtype=torch.bool)
    for number in range(1, 20):
        (theirs.grad,), (grad,) = (torch.autograd.grad(((v - 0.3) ** 4).sum(), v) for v in (theirs, ours.theta))
        reference.step()
        assert ours.step(grad, torch.tensor([[number]]), torch.full((1, 1), 0.01), active).all()
    torch.testing.assert_close(ours.theta[0].detach(), theirs.detach(), atol=1e-6, rtol=1e-5)


def test_gradients_are_clipped_to_their_length() -> None:
    ours = optimiser(torch.zeros(1, 2), clip=0.5)
    ours.step(torch.tensor([[30.0, 40.0]]), ONE, torch.full((1, 1), 1.0), ONE > 0)
    torch.testing.assert_close(ours.state["momentum"], torch.tensor([[0.03, 0.04]]))


def test_a_gradient_that_is_not_finite_moves_nothing_of_its_model_and_all_of_the_others() -> None:
    ours = optimiser(torch.ones(2, 3))
    grad = torch.ones(2, 3)
    grad[0, 1] = torch.nan
    finite = ours.step(grad, ONE.expand(2, 1), torch.full((2, 1), 0.1), torch.ones(2, 1, dtype=torch.bool))
    assert finite[:, 0].tolist() == [False, True]
    assert torch.equal(ours.theta[0], torch.ones(3))
    assert torch.equal(ours.average[0], torch.ones(3))
    assert (ours.theta[1] < 0.95).all()
