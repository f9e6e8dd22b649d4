"""A convolution after an upsample, in the ways that never hold its input, is the plain one."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit import ops
from crowdkit.errors import ArgumentError
from crowdkit.ops import upsampled

MANY = upsampled._FEW + 2  # outputs


def plain(x: Tensor, weight: Tensor, bias: Tensor | None, *, factor: int = 2, dilation: int = 1) -> Tensor:
    large = F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
    padding = dilation * (weight.shape[-1] // 2)
    return F.conv2d(large, weight, bias, padding=padding, dilation=dilation)


def drawn(
    outputs: int, *, size: tuple[int, int], side: int = 3, **more: Any
) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    more = {"dtype": torch.float64, **more}
    x, weight = torch.randn(2, 5, *size, **more), torch.randn(outputs, 5, side, side, **more)
    return x, weight, torch.randn(outputs, **more)


@pytest.mark.parametrize("dilation", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 3), (3, 2), (5, 7)])
@pytest.mark.parametrize("outputs", [2, MANY])
def test_values_and_gradients_are_the_plain_ones(dilation: int, size: tuple[int, int], outputs: int) -> None:
    """Maps of which every cell lies on the border among them."""
    given = drawn(outputs, size=size, requires_grad=True)
    ours, expected = ops.upsampled_conv2d(*given, dilation=dilation), plain(*given, dilation=dilation)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
    seed = torch.randn_like(expected)
    for ours_grad, plain_grad in zip(
        torch.autograd.grad(ours, given, seed), torch.autograd.grad(expected, given, seed), strict=True
    ):
        torch.testing.assert_close(ours_grad, plain_grad, rtol=1e-12, atol=1e-12)
    with torch.no_grad():  # another path: nothing is kept for a gradient
        torch.testing.assert_close(ops.upsampled_conv2d(*given, dilation=dilation), expected)


@pytest.mark.parametrize("outputs", [2, MANY])
@pytest.mark.parametrize(("factor", "side"), [(2, 1), (2, 5), (3, 3), (1, 3), (4, 3)])
def test_other_factors_and_kernels_are_the_plain_ones(outputs: int, factor: int, side: int) -> None:
    for dilation in (1, 2):
        given = drawn(outputs, size=(4, 5), side=side)
        ours = ops.upsampled_conv2d(*given, factor=factor, dilation=dilation)
        torch.testing.assert_close(ours, plain(*given, factor=factor, dilation=dilation))


@pytest.mark.parametrize("dilation", [1, 2])
def test_gradients_have_gradients(dilation: int) -> None:
    given = drawn(MANY, size=(2, 3), requires_grad=True)
    x, weight = given[0][:1, :2].detach(), given[1][:, :2].detach()

    def convolve(x: Tensor, weight: Tensor) -> Tensor:
        return ops.upsampled_conv2d(x, weight, dilation=dilation)

    inputs = (x.requires_grad_(), weight.requires_grad_())
    assert torch.autograd.gradgradcheck(convolve, inputs, fast_mode=True)


@pytest.mark.parametrize("dilation", [1, 2])
def test_in_bfloat16_it_is_as_far_from_exact_as_the_plain_one(dilation: int) -> None:
    x, *others = drawn(64, size=(24, 20), dtype=torch.float32)
    exact = (x.bfloat16().float(), *others)
    expected = plain(*exact, dilation=dilation)

    def distance(convolve: Any) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            found = convolve(x.bfloat16(), *others, dilation=dilation)
        assert found.dtype == torch.bfloat16
        return float((found.float() - expected).square().mean().sqrt())

    assert distance(ops.upsampled_conv2d) < 1.2 * distance(plain)


@pytest.mark.parametrize("dilation", [1, 2])
def test_compiled_it_has_the_same_gradients(dilation: int) -> None:
    compiled = torch.compile(ops.upsampled_conv2d, backend="aot_eager", fullgraph=True)
    given = drawn(MANY, size=(4, 5), requires_grad=True)
    found = [
        torch.autograd.grad(call(*given, dilation=dilation).square().sum(), given)
        for call in (compiled, plain)
    ]
    torch.testing.assert_close(*found)


def test_keeps_channels_last() -> None:
    for dilation in (1, 2):
        x, weight, bias = (each.float() for each in drawn(MANY, size=(6, 8)))
        x = x.contiguous(memory_format=torch.channels_last)
        found = ops.upsampled_conv2d(x, weight, bias, dilation=dilation)
        assert found.stride(1) == 1


def test_bad_input_is_told() -> None:
    x, weight, _ = drawn(2, size=(2, 2))
    with pytest.raises(ArgumentError, match="dilation: expected a whole number >= 1, got 0"):
        ops.upsampled_conv2d(x, weight, dilation=0)
    with pytest.raises(ArgumentError, match=r"factor: expected a whole number >= 1, got 1\.5"):
        ops.upsampled_conv2d(x, weight, factor=1.5)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("outputs", [2, MANY])
def test_as_drawn_it_is_the_plain_one_bit_by_bit(dilation: int, outputs: int) -> None:
    given = drawn(outputs, size=(5, 7))
    with upsampled.as_drawn():
        found = ops.upsampled_conv2d(*given, dilation=dilation)
    assert torch.equal(found, plain(*given, dilation=dilation))
    assert not upsampled._AS_DRAWN.get()
