"""Pooling that preserves counts."""

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.ops.checks import check_stride


def sum_pool(density: Tensor, factor: int) -> Tensor:
    r"""Sum the cells of a map over blocks of ``factor`` x ``factor``.

    Incomplete last rows and columns are padded with zeros, so that no people are lost.

    Args:
        density: Map in people per cell, shape :math:`(\dots, H, W)`.
        factor: Side of a block, in cells.

    Returns:
        Map of shape :math:`(\dots, \lceil H/f \rceil, \lceil W/f \rceil)` with the same sum.

    Raises:
        ArgumentError: If ``factor`` is not a positive whole number.

    Examples:
        >>> import torch
        >>> sum_pool(torch.ones(1, 1, 3, 5), 2)
        tensor([[[[4., 4., 2.],
                  [2., 2., 1.]]]])
    """
    check_stride(factor, name="factor")
    if factor == 1:
        return density
    height, width = density.shape[-2:]
    padded = F.pad(density, (0, -width % factor, 0, -height % factor))
    rows, columns = padded.shape[-2] // factor, padded.shape[-1] // factor
    blocks = padded.reshape(*padded.shape[:-2], rows, factor, columns, factor)
    return blocks.sum(dim=(-3, -1))


def mean_pool(density: Tensor, factor: int) -> Tensor:
    r"""Average a map over blocks of ``factor`` x ``factor``; incomplete blocks are padded with zeros.

    Equals ``sum_pool(density, factor) / factor**2``: the value to compare with a threshold in people per pixel at
    a lower resolution.

    Args:
        density: Map, shape :math:`(\dots, H, W)`.
        factor: Side of a block, in cells.

    Returns:
        Map of shape :math:`(\dots, \lceil H/f \rceil, \lceil W/f \rceil)`.

    Raises:
        ArgumentError: If ``factor`` is not a positive whole number.

    Examples:
        >>> import torch
        >>> mean_pool(torch.ones(1, 1, 2, 3), 2)
        tensor([[[[1.0000, 0.5000]]]])
    """
    return sum_pool(density, factor) / factor**2


def count(density: Tensor) -> Tensor:
    """Sum each image's map to its count.

    Half precision overflows at 65,504 and rounds 1,003 to 1,004, so the sum is in float32 even under autocast;
    float64 stays float64.

    Args:
        density: Map in people per cell, shape :math:`(B, 1, H, W)`.

    Returns:
        Counts, shape :math:`(B,)`.

    Examples:
        >>> import torch
        >>> count(torch.full((1, 1, 100, 100), 0.1003, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    dtype = torch.float64 if density.dtype == torch.float64 else torch.float32
    return density.to(dtype).sum(dim=(-3, -2, -1))
