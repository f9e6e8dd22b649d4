"""A dilated convolution by grids is the plain one, and its gradients are numbers."""

import pytest
import torch
from torch.nn import functional as F

from crowdkit.ops import dilated_conv2d


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (6, 12), (7, 9)])
@pytest.mark.parametrize("side", [1, 3, 5])
def test_values_and_gradients_are_the_plain_ones(dilation: int, size: tuple[int, int], side: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 3, side, side, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(4, dtype=torch.float64, requires_grad=True)
    expected = F.conv2d(x, weight, bias, padding=dilation * (side // 2), dilation=dilation)
    ours = dilated_conv2d(x, weight, bias, dilation=dilation)
    torch.testing.assert_close(ours, expected)
    seed = torch.randn_like(expected)
    for ours_grad, plain_grad in zip(
        torch.autograd.grad(ours, (x, weight, bias), seed),
        torch.autograd.grad(expected, (x, weight, bias), seed),
        strict=True,
    ):
        torch.testing.assert_close(ours_grad, plain_grad)
    with torch.no_grad():
        assert torch.equal(dilated_conv2d(x, weight, bias, dilation=dilation), expected)


@pytest.mark.parametrize("channels", [24, 40])
def test_gradient_of_the_weights_is_a_number_in_bfloat16(channels: int) -> None:
    """torch's own is not, in the same place; when it is, grids have nothing to right any more."""
    torch.manual_seed(0)
    x = torch.randn(2, channels, 24, 32).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(48, channels, 3, 3).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = dilated_conv2d(x, weight, dilation=2)
    found.float().square().sum().backward()
    exact = weight.detach().clone().requires_grad_()
    F.conv2d(x, exact, padding=2, dilation=2).square().sum().backward()
    torch.testing.assert_close(weight.grad, exact.grad, rtol=0, atol=2e-2 * float(exact.grad.abs().max()))
