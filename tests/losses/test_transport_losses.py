"""DM-Count as its authors compute it, and what the two transport losses promise beside the contract."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, UnknownNameError
from crowdkit.losses import DMCountLoss, GeneralizedLoss, dm_count_loss, generalized_loss
from crowdkit.ops import dot_map

dm_count, generalized = partial(dm_count_loss, stride=8), partial(generalized_loss, stride=8)


def crowd(number: int = 6, size: tuple[int, int] = (5, 6), seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    extent = torch.tensor([size[1] * 8.0, size[0] * 8.0], dtype=torch.float64)
    points = torch.rand(number, 2, generator=generator, dtype=torch.float64) * extent
    pred = torch.rand(1, 1, *size, generator=generator, dtype=torch.float64) * 0.5 + 0.01
    return pred, points


def gradient_of(function, pred: Tensor, **keywords) -> Tensor:
    pred = pred.clone().requires_grad_()
    return torch.autograd.grad(function(pred, **keywords), pred)[0]


def authors_gradient(
    pred: np.ndarray, points: np.ndarray, *, guard: float = 1e-16, stride: int = 8
) -> np.ndarray:
    """The transport's gradient as the authors hand it to the network, from the scalings they iterate."""
    rows, columns = (np.arange(side) * stride + stride / 2 for side in pred.shape)
    distance = (points[:, 1, None, None] - rows[:, None]) ** 2 + (points[:, 0, None, None] - columns) ** 2
    kernel = np.exp(-distance.reshape(len(points), -1) / 10)
    total = pred.sum()
    source, target = pred.ravel() / (total + 1e-6), np.full(len(points), 1 / len(points))
    u = target
    for _ in range(100):
        v = source / (u @ kernel + 1e-16)
        u = target / (kernel @ v + 1e-16)
    beta = 10 * np.log(v + guard)
    first = total / (total**2 + 1e-8) * beta
    return (first - (pred.ravel() * beta).sum() / (total**2 + 1e-8)).reshape(pred.shape)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [(5, 6), (12, 9)], ids=str)
def test_transport_gradient_is_the_authors(size, seed):
    pred, points = crowd(7, size, seed)
    ours = gradient_of(dm_count, pred, points=[points], ot_weight=1.0, tv_weight=0.0)
    ours = ours - (pred.sum() - 7).sign()
    arguments = pred[0, 0].numpy(), points.numpy()
    np.testing.assert_allclose(
        ours[0, 0].numpy(), authors_gradient(*arguments, guard=0), rtol=1e-5, atol=1e-4
    )
    # their logarithm has a guard, too: it caps the pull of heads that have nobody near
    theirs = authors_gradient(*arguments)
    assert np.abs(ours[0, 0].numpy() - theirs).max() < 0.05 * np.ptp(theirs)
    # what they report as the value of this term is <gradient, estimate>: nothing, whatever the estimate
    assert abs((theirs * pred[0, 0].numpy()).sum()) < 1e-5


@pytest.mark.parametrize("keywords", [{}, {"floor": 0.0}, {"entropy": 60.0, "tv_weight": 0.3}], ids=str)
def test_gradient_is_that_of_the_value_where_the_iteration_has_converged(keywords):
    pred, points = crowd(3, (2, 2))
    loss = DMCountLoss(stride=8, iterations=1500, **keywords)
    assert torch.autograd.gradcheck(lambda pred: loss(pred, points=[points]), (pred.requires_grad_(),))


def test_gradient_of_the_transport_moves_people_but_makes_none():
    pred, points = crowd()
    plain = gradient_of(dm_count, pred, points=[points], ot_weight=0.0)
    both = gradient_of(dm_count, pred, points=[points])
    assert float(((both - plain) * pred).sum()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "loss", [DMCountLoss(stride=8), DMCountLoss(stride=8, floor=0.0), GeneralizedLoss(stride=8)], ids=str
)
def test_descent_finds_count_and_places(loss):
    torch.manual_seed(0)
    points = torch.tensor([[20.0, 20.0], [28.0, 12.0], [20.5, 44.0], [60.0, 60.0]])
    dots = dot_map(points, (64, 64), stride=8)
    free = (torch.rand(1, 1, 8, 8) * 0.2).requires_grad_()
    rate = 0.01 if isinstance(loss, DMCountLoss) else 0.03
    optimizer = torch.optim.Adam([free], lr=rate)
    for _ in range(200):
        optimizer.zero_grad()
        loss(free.abs(), points=[points]).backward()
        optimizer.step()
    found = free.detach().abs()[0, 0]
    assert float(found.sum()) == pytest.approx(4, abs=0.4)
    assert float(found[dots > 0].sum() / found.sum()) > 0.75


def test_estimate_of_nobody_is_told_to_count_and_no_more():
    pred, points = torch.zeros(1, 1, 5, 6), torch.tensor([[20.0, 20.0], [3.0, 9.0]])
    gradient = gradient_of(dm_count, pred, points=[points])
    assert torch.equal(gradient, -torch.ones_like(pred))
    # the generalized loss asks for people where the heads are
    gradient = gradient_of(generalized, pred, points=[points])
    assert gradient.isfinite().all()
    assert (gradient <= 0).all()
    assert float(gradient[0, 0, 2, 2]) < 20 * float(gradient[0, 0, 4, 5])


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-9, 1.0, 1e4])
@pytest.mark.parametrize("floor", [0.0, 1e-16])
def test_finite_on_a_large_canvas(scale, floor):
    generator = torch.Generator().manual_seed(1)
    pred = (torch.rand(1, 1, 32, 40, generator=generator) - 0.2) * scale
    points = torch.rand(9, 2, generator=generator) * 40
    for function, keywords in ((dm_count, {"floor": floor, "iterations": 20}), (generalized, {})):
        assert function(pred, points=[points], **keywords).isfinite()
        assert gradient_of(function, pred, points=[points], **keywords).isfinite().all()


def test_gradient_of_the_generalized_is_the_misfit():
    pred, points = crowd(3, (3, 4))
    loss = GeneralizedLoss(stride=8, iterations=100)
    assert torch.autograd.gradcheck(lambda pred: loss(pred, points=[points]), (pred.requires_grad_(),))
    # far from every head nothing is carried: 2 tau times the density, as squared error has it
    far = torch.full((1, 1, 40, 40), 0.1)
    gradient = gradient_of(generalized, far, points=[points.float()])
    assert float(gradient[0, 0, 39, 39]) == pytest.approx(2 * 0.1 * 0.1, rel=1e-5)


def test_perspective_is_the_exponential_cost_of_its_height():
    points = torch.tensor([[132.0, 260.0], [150.0, 252.0]])  # mean height 0.5 for cells of the same row
    pred = torch.zeros(1, 1, 64, 64)
    pred[0, 0, 32, :] = 0.2
    near = generalized(pred, points=[points])
    same = generalized(pred, points=[points], cost="exponential", scale=0.6)
    assert float(near) == pytest.approx(float(same), rel=0.02)
    low = points + torch.tensor([0.0, 244.0])
    moved = pred.roll(30, dims=2)
    assert float(generalized(moved, points=[low])) < float(near)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: DMCountLoss(ot_weight=-1.0), ArgumentError, "ot_weight: expected a finite number >= 0"),
        (lambda: DMCountLoss(entropy=0.0), ArgumentError, "entropy: "),
        (lambda: DMCountLoss(floor=2.0), ArgumentError, "floor: expected 0, or"),
        (lambda: DMCountLoss(iterations=1.5), ArgumentError, "iterations: "),
        (lambda: GeneralizedLoss(tau=0.0), ArgumentError, "tau: "),
        (lambda: GeneralizedLoss(cost="perspectiv"), UnknownNameError, "did you mean 'perspective'"),
    ],
)
def test_bad_settings_are_told_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()
