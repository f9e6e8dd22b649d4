"""Dilated convolutions with gradients that are fast and right on a CPU."""

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.ops.checks import check_stride
from crowdkit.ops.resize import pad_to_multiple


def dilated_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, dilation: int) -> Tensor:
    r"""Convolve ``x``, zero padded to keep its size, with a dilated kernel.

    On a CPU, where a gradient is asked for, as undilated convolutions of the :math:`d^2` grids of every
    d-th row and column: torch's gradient of a dilated kernel takes half as long again, and in bfloat16 with
    ``channels_last`` it is not a number for 8 channels more than a multiple of 16.

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
    height, width = x.shape[-2:]
    ragged = height % dilation or width % dilation
    grids = _to_grids(pad_to_multiple(x, dilation) if ragged else x, dilation)
    whole = _from_grids(F.conv2d(grids, weight, bias, padding=reach), dilation)
    return whole[..., :height, :width] if ragged else whole


def _to_grids(x: Tensor, step: int) -> Tensor:
    """(B, C, h, w) to (B d d, C, h / d, w / d), channels last."""
    batch, channels, height, width = x.shape
    cells = x.permute(0, 2, 3, 1).reshape(batch, height // step, step, width // step, step, channels)
    grids = cells.permute(0, 2, 4, 1, 3, 5).reshape(-1, height // step, width // step, channels)
    return grids.permute(0, 3, 1, 2)


def _from_grids(x: Tensor, step: int) -> Tensor:
    """The way back."""
    grids, channels, rows, columns = x.shape
    batch = grids // step**2
    cells = x.permute(0, 2, 3, 1).reshape(batch, step, step, rows, columns, channels)
    whole = cells.permute(0, 3, 1, 4, 2, 5).reshape(batch, rows * step, columns * step, channels)
    return whole.permute(0, 3, 1, 2)
