"""The structural loss with its own backward, held to the plain form it stands for."""

import pytest
import torch
from torch import Tensor

from crowdkit.losses import _ssim_pyramid, bsl, ssim_pyramid_loss
from crowdkit.losses._ssim_pyramid import SSIMPyramid

SHAPES = [(1, 1, 61, 83), (3, 1, 40, 31), (2, 1, 5, 60), (2, 1, 11, 1), (1, 1, 1, 9), (2, 1, 1, 1)]


def pyramid(**keywords) -> SSIMPyramid:
    settings = {"scales": 3, "window_size": 11, "window_sigma": 1.5, "c1": 0.01**2, "c2": 0.03**2}
    return SSIMPyramid(**{**settings, "expansion": 50.0, "padding": "valid", **keywords})


def pair(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred, target = torch.rand(2, *shape, generator=generator, dtype=torch.float64) * 0.05 - 0.005
    return pred.to(dtype).requires_grad_(), target.relu().to(dtype)


def value_and_gradient(compare, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    values = compare(pred, target)
    weights = torch.arange(1, len(values) + 1, dtype=values.dtype)  # not the same for every image
    return values, *torch.autograd.grad((values * weights).sum(), pred)


@pytest.mark.parametrize("block", [1, 700, 2**16])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_the_plain_form(monkeypatch, shape, padding, block):
    monkeypatch.setattr(_ssim_pyramid, "_CPU_BLOCK", block)  # one row, several images, everything at once
    settings = pyramid(padding=padding)
    pred, target = pair(shape)
    found = value_and_gradient(settings.fused, pred, target)
    expected = value_and_gradient(settings.plain, pred, target)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-14)


def test_equals_the_plain_form_by_shifted_adds(monkeypatch):
    # What a GPU runs.
    monkeypatch.setattr("crowdkit.ops.separable.gathers", lambda _: False)
    settings = pyramid()
    pred, target = pair((2, 1, 40, 31))
    found = value_and_gradient(settings.fused, pred, target)
    torch.testing.assert_close(found, value_and_gradient(settings.plain, pred, target), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("shape", [(1, 1, 61, 83), (3, 1, 40, 31)], ids=str)
def test_float32_is_as_near_to_float64_as_the_plain_form(shape):
    settings = pyramid()
    pred, target = pair(shape, torch.float32)
    exact = value_and_gradient(settings.plain, pred.detach().double().requires_grad_(), target.double())
    plain = value_and_gradient(settings.plain, pred, target)
    fused = value_and_gradient(settings.fused, pred, target)
    for ours, theirs, truth in zip(fused, plain, exact, strict=True):
        allowed = 2 * (theirs - truth).abs().max() + 1e-7 * truth.abs().max()
        assert (ours - truth).abs().max() <= allowed


def test_precision_of_matrix_products_makes_no_difference():
    pred, target = (each.detach() for each in pair((1, 1, 40, 50), torch.float32))
    before, expected = torch.get_float32_matmul_precision(), bsl(pred, target)
    try:
        torch.set_float32_matmul_precision("medium")
        assert torch.equal(bsl(pred, target), expected)
    finally:
        torch.set_float32_matmul_precision(before)


def test_gradient_of_the_gradient():
    pred, target = pair((2, 1, 13, 14))
    assert torch.autograd.gradgradcheck(
        lambda x: ssim_pyramid_loss(x, target, scales=2), (pred,), fast_mode=True
    )


def test_gradient_of_the_target():
    pred, target = pair((1, 1, 15, 14))
    target = (target + 0.01).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, y: ssim_pyramid_loss(x, y, scales=2), (pred, target), fast_mode=True
    )


def test_under_function_transforms():
    pred, target = pair((3, 1, 20, 21))
    pred = pred.detach()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return ssim_pyramid_loss(x[None], y[None], scales=2)

    one_by_one = torch.stack([loss(x, y) for x, y in zip(pred, target, strict=True)])
    torch.testing.assert_close(torch.vmap(loss)(pred, target), one_by_one)
    torch.testing.assert_close(torch.vmap(loss, in_dims=(0, None))(pred, target[0])[0], one_by_one[0])
    slopes = torch.vmap(torch.func.grad(loss))(pred, target)
    leaf = pred.clone().requires_grad_()
    torch.testing.assert_close(
        slopes, torch.autograd.grad(ssim_pyramid_loss(leaf, target, scales=2, reduction="sum"), leaf)[0]
    )


def test_graph_that_is_kept_gives_the_same_again():
    pred, target = pair((2, 1, 20, 21))
    loss = ssim_pyramid_loss(pred, target)
    first = torch.autograd.grad(loss, pred, retain_graph=True)
    assert torch.equal(first[0], torch.autograd.grad(loss, pred)[0])
