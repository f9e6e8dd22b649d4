"""Dilated convolutions with fast and correct gradients on a CPU."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from crowdkit.ops.checks import check_stride
from crowdkit.ops.resize import pad_to_multiple


def dilated_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, dilation: int) -> Tensor:
    r"""Convolve ``x`` with a dilated kernel, zero-padded to keep its size.

    On a CPU, when a gradient is needed, this runs undilated convolutions on the :math:`d^2` grids of every d-th row
    and column: torch's gradient of a dilated kernel takes half as long again, and in bfloat16 with ``channels_last``
    it is NaN where the number of channels is 8 more than a multiple of 16.

    Args:
        x: Shape :math:`(B, C, h, w)`.
        weight: Kernel, shape :math:`(O, C, k, k)` with odd :math:`k`.
        bias: Shape :math:`(O,)`, or ``None``.
        dilation: :math:`d`.

    Returns:
        ``conv2d(x, weight, bias, padding=dilation * (k // 2), dilation=dilation)``, exactly.

    Raises:
        ArgumentError: If ``dilation`` < 1.

    Examples:
        >>> import torch
        >>> from crowdkit.ops.dilated import dilated_conv2d
        >>> dilated_conv2d(torch.ones(1, 8, 5, 6), torch.ones(4, 8, 3, 3), dilation=2).shape
        torch.Size([1, 4, 5, 6])
    """
    check_stride(dilation, name="dilation")
    reach = weight.shape[-1] // 2
    if dilation == 1 or x.device.type != "cpu" or not torch.is_grad_enabled():
        return F.conv2d(x, weight, bias, padding=dilation * reach, dilation=dilation)
    if torch.compiler.is_compiling():
        return _by_grids(x, weight, bias, dilation)
    if torch.is_autocast_enabled("cpu"):
        x, weight = _lowered(x), _lowered(weight)
        bias = None if bias is None else _lowered(bias)
    found: Tensor = _OnGrids.apply(x, weight, bias, dilation)
    return found


def _lowered(x: Tensor) -> Tensor:
    """Cast the arguments as autocast does before a convolution."""
    return x.to(torch.get_autocast_dtype("cpu")) if x.dtype == torch.float32 else x


def _by_grids(x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    height, width = x.shape[-2:]
    reach = weight.shape[-1] // 2
    whole = _from_grids(F.conv2d(_to_grids(x, dilation), weight, bias, padding=reach), dilation)
    return whole[..., :height, :width]


class _OnGrids(torch.autograd.Function):
    """The grids are a copy of x, recomputed for the gradient instead of kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation, ctx.biased = dilation, bias is not None
        whole = _by_grids(x, weight, bias, dilation)
        # Nothing else holds the tensor behind this view, so that it may be changed in place.
        unowned: Tensor = torch.ops.aten._unsafe_view(whole, whole.shape)
        return unowned

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        height, width = x.shape[-2:]
        reach = weight.shape[-1] // 2
        grads = torch.ops.aten.convolution_backward(
            _to_grids(gradient, ctx.dilation),
            _to_grids(x, ctx.dilation),
            weight,
            bias_sizes=[weight.shape[0]],
            stride=[1, 1],
            padding=[reach, reach],
            dilation=[1, 1],
            transposed=False,
            output_padding=[0, 0],
            groups=1,
            output_mask=[ctx.needs_input_grad[0], ctx.needs_input_grad[1], ctx.biased],
        )
        for_x = grads[0]
        if for_x is not None:
            for_x = _from_grids(for_x, ctx.dilation)[..., :height, :width]
        return for_x, grads[1], grads[2] if ctx.biased else None, None


def _to_grids(x: Tensor, step: int) -> Tensor:
    """(B, C, h, w) to (B d d, C, h / d, w / d), channels last; sides not divisible by d are padded with zeros."""
    if any(side % step for side in x.shape[-2:]):
        x = pad_to_multiple(x, step)
    batch, channels, height, width = x.shape
    cells = x.permute(0, 2, 3, 1).reshape(batch, height // step, step, width // step, step, channels)
    grids = cells.permute(0, 2, 4, 1, 3, 5).reshape(-1, height // step, width // step, channels)
    return grids.permute(0, 3, 1, 2)


def _from_grids(x: Tensor, step: int) -> Tensor:
    """The inverse."""
    grids, channels, rows, columns = x.shape
    batch = grids // step**2
    cells = x.permute(0, 2, 3, 1).reshape(batch, step, step, rows, columns, channels)
    whole = cells.permute(0, 3, 1, 4, 2, 5).reshape(batch, rows * step, columns * step, channels)
    return whole.permute(0, 3, 1, 2)
