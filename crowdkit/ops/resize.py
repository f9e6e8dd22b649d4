"""Padding and upsampling."""

from torch import Tensor
from torch.nn import functional as F

from crowdkit.ops.checks import check_stride


def cells_across(side: int, stride: int) -> int:
    r"""Count the cells of ``stride`` pixels that cover a side, :math:`\lceil H/s \rceil`.

    For positive numbers only, because it also runs on the symbolic sides of an export: ONNX rounds a negative
    quotient towards zero, and ``-(-side // stride)`` would be one cell short.

    Args:
        side: Height or width, in pixels.
        stride: Side of a cell, in pixels.

    Returns:
        The number of cells; the last one may reach beyond the edge.

    Examples:
        >>> cells_across(33, 8), cells_across(32, 8)
        (5, 4)
    """
    return (side + stride - 1) // stride


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    r"""Pad a tensor with zeros at the right and bottom to sides that are divisible by ``multiple``.

    Args:
        x: Shape :math:`(B, C, H, W)`.
        multiple: Divisor of the new sides.

    Returns:
        Shape :math:`(B, C, H', W')` with the smallest such :math:`H' \ge H`, :math:`W' \ge W`.

    Examples:
        >>> import torch
        >>> pad_to_multiple(torch.ones(1, 3, 5, 8), 8).shape
        torch.Size([1, 3, 8, 8])
    """
    check_stride(multiple, name="multiple")
    height, width = x.shape[-2:]
    # Written as multiples, which a shape tracer can divide again; it cannot divide a side plus a remainder.
    below, beyond = (cells_across(side, multiple) * multiple - side for side in (height, width))
    return F.pad(x, (0, beyond, 0, below))


def upsample(x: Tensor, factor: int = 2, *, align_corners: bool = False) -> Tensor:
    """Enlarge a feature map by exactly ``factor``, bilinearly.

    Args:
        x: Shape :math:`(B, C, h, w)`.
        factor: How many times larger.
        align_corners: Align the centers of the corner cells instead of their outer edges. For networks trained
            that way; crowdkit's own use ``False``.

    Returns:
        Shape :math:`(B, C, h f, w f)`.

    Examples:
        >>> import torch
        >>> upsample(torch.ones(1, 2, 3, 4)).shape
        torch.Size([1, 2, 6, 8])
        >>> edge = torch.tensor([[[[0.0, 3.0]]]])
        >>> upsample(edge).flatten()[:4], upsample(edge, align_corners=True).flatten()[:4]
        (tensor([0.0000, 0.7500, 2.2500, 3.0000]), tensor([0., 1., 2., 3.]))
    """
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=align_corners)
