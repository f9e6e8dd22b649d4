import inspect

import pytest
import torch

from crowdkit.errors import ArgumentError
from crowdkit.losses import (
    SpatialAbstractionLoss,
    SpatialCorrelationLoss,
    TEDNetLoss,
    spatial_abstraction_loss,
    spatial_correlation_loss,
    tednet_loss,
)
from crowdkit.targets import density_map


def pair(batch=3):
    generator = torch.Generator().manual_seed(0)
    pred, target = torch.rand(2, batch, 1, 16, 24, generator=generator, dtype=torch.float64)
    return pred, target


def test_without_scale_zero_three_of_four_cells_learn_nothing():
    pred, target = pair()
    taught = []
    for scale_zero in (False, True):
        leaf = pred.clone().requires_grad_()
        spatial_abstraction_loss(leaf, target, scale_zero=scale_zero).backward()
        taught.append((leaf.grad != 0).double().mean().item())
    assert taught == [0.25, 1.0]


def test_abstraction_teaches_an_empty_image():
    pred = torch.full((1, 1, 16, 16), 0.01, requires_grad=True)
    spatial_abstraction_loss(pred, torch.zeros(1, 1, 16, 16)).backward()
    assert (pred.grad > 0).all()


def test_correlation_does_not_see_the_count():
    pred, target = pair()
    torch.testing.assert_close(
        spatial_correlation_loss(1000 * pred, target), spatial_correlation_loss(pred, target)
    )
    leaf = pred.clone().requires_grad_()
    spatial_correlation_loss(leaf, target).backward()
    assert (leaf.grad * pred).sum().abs() < 1e-12  # no slope along the estimate itself


def test_correlation_is_of_each_image_not_of_the_batch():
    pred, target = pair()
    pred[0] *= 50
    images = [
        1 - torch.cosine_similarity(p.flatten(), t.flatten(), dim=0)
        for p, t in zip(pred, target, strict=True)
    ]
    torch.testing.assert_close(spatial_correlation_loss(pred, target), sum(images) / 3)
    of_batch = 1 - (pred * target).sum() / (pred.square().sum() * target.square().sum()).sqrt()
    assert (spatial_correlation_loss(pred, target) - of_batch).abs() > 0.01


@pytest.mark.parametrize(
    ("pred", "target", "expected"), [(0.1, 0.0, 0.0), (0.0, 0.1, 1.0), (0.0, 0.0, 0.0), (1e-9, 0.1, 1.0)]
)
def test_correlation_of_an_empty_map(pred, target, expected):
    # Beside a usual image: neither value nor gradient may leak into it.
    usual = pair(batch=1)
    leaf = torch.cat((usual[0], torch.full((1, 1, 16, 24), pred, dtype=torch.float64))).requires_grad_()
    truth = torch.cat((usual[1], torch.full((1, 1, 16, 24), target, dtype=torch.float64)))
    values = spatial_correlation_loss(leaf, truth, reduction="none")
    assert values[1].item() == expected
    torch.testing.assert_close(values[0], spatial_correlation_loss(*usual))
    values.sum().backward()
    assert torch.equal(leaf.grad[1], torch.zeros_like(leaf.grad[1]))
    assert leaf.grad[0].any()


def test_tednet_adds_its_halves():
    pred, target = pair()
    expected = spatial_abstraction_loss(
        pred, target, scales=2, expansion=3.0
    ) + 0.1 * spatial_correlation_loss(pred, target)
    torch.testing.assert_close(
        tednet_loss(pred, target, scales=2, expansion=3.0, correlation_weight=0.1), expected
    )


@pytest.mark.parametrize("sigma", [4.0, 15.0])
def test_tednet_s_halves_pull_alike_on_expanded_maps_only(sigma):
    generator = torch.Generator().manual_seed(0)
    pred, target = (
        density_map(torch.rand(100, 2, generator=generator) * 128, (128, 128), sigma=sigma)[None, None]
        for _ in range(2)
    )

    def pull(loss, **keywords):
        leaf = pred.clone().requires_grad_()
        (slope,) = torch.autograd.grad(loss(leaf, target, **keywords), leaf)
        return slope.norm()

    correlation = pull(spatial_correlation_loss)
    expanded = inspect.signature(tednet_loss).parameters["expansion"].default
    assert 0.1 < pull(spatial_abstraction_loss, expansion=expanded) / correlation < 10
    assert pull(spatial_abstraction_loss, expansion=1.0) / correlation < 0.005


@pytest.mark.parametrize(
    ("module", "keywords", "message"),
    [
        (SpatialAbstractionLoss, {"scales": 0}, "scales: expected a whole number >= 1, got 0"),
        (SpatialAbstractionLoss, {"expansion": 0.0}, "expansion: expected"),
        (SpatialCorrelationLoss, {"eps": 0.0}, "eps: expected"),
        (SpatialCorrelationLoss, {"stride": 1.5}, "stride: expected"),
        (TEDNetLoss, {"correlation_weight": -1.0}, "correlation_weight: expected"),
        (TEDNetLoss, {"scales": True}, "scales: expected"),
    ],
)
def test_bad_arguments_fail_early(module, keywords, message):
    with pytest.raises(ArgumentError, match=message):
        module(**keywords)
