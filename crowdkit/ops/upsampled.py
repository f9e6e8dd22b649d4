"""Convolutions after an upsample that never hold their large input."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.ops.checks import check_stride
from crowdkit.ops.resize import upsample

# Up to this many outputs, one large map per tap and output costs less than the alternatives.
_FEW = 8
# The x2 bilinear upsample is this filter applied along rows and columns of the cells interleaved with zeros.
_BLUR = (0.25, 0.75, 0.75, 0.25)
_AS_DRAWN: ContextVar[bool] = ContextVar("_AS_DRAWN", default=False)


@contextmanager
def as_drawn() -> Iterator[None]:
    """Upsample, then convolve, as networks are drawn: other runtimes do this fast."""
    token = _AS_DRAWN.set(True)
    try:
        yield
    finally:
        _AS_DRAWN.reset(token)


def upsampled_conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, factor: int = 2, dilation: int = 1
) -> Tensor:
    r"""Convolve the upsampled ``x``, zero-padded to its size, without ever holding it.

    A bilinear upsample commutes with a convolution, so that the sums over the C channels are computed at low
    resolution: a quarter of the operations for ``factor=2``. The result is exact up to rounding, borders included.
    There are three methods:

    - Few outputs: one map per tap and output, upsampled, shifted and added.
    - x2, 3 x 3, even dilation: a shift by two fine cells is one by a coarse cell, so the result is the upsample
      of the convolution with half the dilation.
    - x2, 3 x 3, odd dilation: the upsample is a filter (1, 3, 3, 1)/4 of the cells interleaved with zeros; their
      convolution, a transposed one, comes first and the filter last. On a GPU, where depthwise convolutions are
      slow, upsample and convolution run as written.

    Args:
        x: Features at low resolution, shape :math:`(B, C, h, w)`.
        weight: Kernel, shape :math:`(O, C, k, k)` with odd :math:`k`.
        bias: Shape :math:`(O,)`, or ``None``.
        factor: How many times the features are enlarged.
        dilation: Dilation of the convolution.

    Returns:
        ``conv2d(upsample(x, factor), weight, bias, padding=dilation * (k // 2), dilation=dilation)``, shape
        :math:`(B, O, h f, w f)`.

    Raises:
        ArgumentError: If the kernel is not square with an odd side, or ``factor`` or ``dilation`` < 1.

    Examples:
        >>> import torch
        >>> upsampled_conv2d(torch.ones(1, 8, 4, 6), torch.ones(1, 8, 3, 3), factor=4).shape
        torch.Size([1, 1, 16, 24])
    """
    outputs, _, side, other = weight.shape
    if side != other or side % 2 == 0:
        raise ArgumentError(f"weight: expected a square kernel with an odd side, got {side} x {other}")
    check_stride(factor, name="factor")
    check_stride(dilation, name="dilation")
    drawn = _AS_DRAWN.get()
    if outputs <= _FEW and not drawn:
        return _by_taps(x, weight, bias, factor=factor, dilation=dilation)
    if drawn or factor != 2 or side != 3 or (dilation % 2 == 1 and x.device.type != "cpu"):
        padding = dilation * (side // 2)
        return F.conv2d(upsample(x, factor), weight, bias, padding=padding, dilation=dilation)
    if dilation % 2 == 0:
        large = _convolve_first(x, weight, bias, dilation=dilation)
    else:
        large = _filter_last(x, weight, bias, dilation=dilation)
    return _without_surroundings(large, x, weight, dilation=dilation)


def _by_taps(x: Tensor, weight: Tensor, bias: Tensor | None, *, factor: int, dilation: int) -> Tensor:
    """Compute one map per tap and output at low resolution; upsample those, shift and add."""
    outputs, channels, side, _ = weight.shape
    taps = weight.permute(0, 2, 3, 1).reshape(outputs * side * side, channels, 1, 1)
    maps = upsample(F.conv2d(x, taps), factor)
    height, width = maps.shape[-2:]
    reach = dilation * (side // 2)
    planes = (
        F.pad(maps, (reach,) * 4)
        .view(-1, outputs, side * side, height + 2 * reach, width + 2 * reach)
        .unbind(dim=2)
    )
    shifted = [
        plane[..., down : down + height, right : right + width]
        for i, plane in enumerate(planes)
        for down, right in [(dilation * (i // side), dilation * (i % side))]
    ]
    total = torch.stack(shifted).sum(dim=0)
    return total if bias is None else total + bias.view(-1, 1, 1)


# The next two extend the upsampled input beyond its border by its outermost cells, because they extend x so.


def _convolve_first(x: Tensor, weight: Tensor, bias: Tensor | None, *, dilation: int) -> Tensor:
    half = dilation // 2
    return upsample(F.conv2d(_continued(x, half + 1), weight, bias, dilation=half))[..., 2:-2, 2:-2]


def _filter_last(x: Tensor, weight: Tensor, bias: Tensor | None, *, dilation: int) -> Tensor:
    around = (dilation + 2) // 2
    spread = F.conv_transpose2d(
        _continued(x, around),
        weight.flip(2, 3).transpose(0, 1),
        None if bias is None else bias / sum(_BLUR) ** 2,
        stride=2,
        padding=2 * around + dilation - 2,
        dilation=dilation,
    )
    return _blur(spread)


def _continued(x: Tensor, around: int) -> Tensor:
    if not torch.is_autocast_enabled(x.device.type):
        return F.pad(x, (around,) * 4, mode="replicate")
    with torch.autocast(x.device.type, enabled=False):  # which would widen it to float32
        return F.pad(x, (around,) * 4, mode="replicate")


def _without_surroundings(large: Tensor, x: Tensor, weight: Tensor, *, dilation: int) -> Tensor:
    """Subtract what came in from beyond the border, where a zero-padded convolution finds zeros."""
    strips = []
    edges, kernels = _edges(x), _edges(weight)
    for edge, kernel in zip(edges[:2], kernels[:2], strict=True):
        outermost = F.pad(upsample(edge)[:, :, :1], (dilation, dilation, 0, 0), mode="replicate")
        strips.append(F.conv2d(outermost, kernel, dilation=dilation))
    for edge, kernel in zip(edges[2:], kernels[2:], strict=True):
        outermost = upsample(edge)[..., :1]
        strips.append(F.conv2d(outermost, kernel, padding=(dilation, 0), dilation=dilation))
    return _TakenOff.apply(large, dilation, *strips) if _recording() else _take_off(large, dilation, strips)


def _take_off(large: Tensor, reach: int, strips: Sequence[Tensor]) -> Tensor:
    """Subtract in place from the outermost ``reach`` rows at top and bottom and columns at left and right."""
    for ring, strip in zip(_sides(large, reach), strips, strict=True):
        ring -= strip
    return large


def _sides(large: Tensor, reach: int) -> tuple[Tensor, ...]:
    return large[:, :, :reach], large[:, :, -reach:], large[..., :reach], large[..., -reach:]


def _edges(x: Tensor) -> tuple[Tensor, ...]:
    return _Edges.apply(x) if _recording() else _sides(x, 1)


def _blur(spread: Tensor) -> Tensor:
    return _Blurred.apply(spread) if _recording() else _filtered(spread, around=0)


def _recording() -> bool:
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def _filtered(x: Tensor, *, around: int) -> Tensor:
    blur = torch.tensor(_BLUR, dtype=x.dtype, device=x.device)
    filters = torch.outer(blur, blur).expand(x.shape[1], 1, -1, -1)
    return F.conv2d(x, filters, padding=around, groups=x.shape[1])


# Autograd's own gradients of these three would cost what the forward pass saves.


class _Edges(torch.autograd.Function):
    """The outermost row or column of each side; autograd would allocate a map of zeros for each."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, ...]:
        ctx.save_for_backward(x)
        return tuple(side.clone() for side in _sides(x, 1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        [x] = ctx.saved_tensors
        total = torch.zeros_like(x)
        for index, gradient in enumerate(gradients):
            _sides(total, 1)[index].add_(gradient)
        return total


class _Blurred(torch.autograd.Function):
    """The filter is symmetric, so that its gradient is the filter itself."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        return _filtered(x, around=0)

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        return _filtered(gradient, around=len(_BLUR) - 1)


class _TakenOff(torch.autograd.Function):
    """Subtract on the border only; autograd would copy the whole map for each side."""

    @staticmethod
    def forward(ctx: Any, large: Tensor, reach: int, *strips: Tensor) -> Tensor:
        ctx.reach = reach
        if large._is_view():
            return _take_off(large.clone(), reach, strips)
        ctx.mark_dirty(large)
        return _take_off(large, reach, strips)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        sides = _sides(gradient, ctx.reach)
        strips = [-side.sum(dim=axis, keepdim=True) for side, axis in zip(sides, (2, 2, 3, 3), strict=True)]
        return gradient, None, *strips
