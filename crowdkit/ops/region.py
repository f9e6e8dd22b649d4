"""Maps inside a region of interest."""

import torch
from torch import Tensor

from crowdkit.errors import DTypeError, ShapeError
from crowdkit.ops.checks import check_map, check_stride
from crowdkit.ops.pooling import sum_pool


def region_share(region: Tensor, *, stride: int = 1) -> Tensor:
    r"""Return the share of each cell that lies inside a region of interest.

    In an incomplete last cell only the part on the image counts, so that a full region gives 1 everywhere.

    Args:
        region: True inside, one value per full-resolution pixel, bool, shape :math:`(\dots, H, W)`.
        stride: Pixels along a cell's side.

    Returns:
        Between 0 and 1, float32, shape :math:`(\dots, \lceil H/s \rceil, \lceil W/s \rceil)`.

    Raises:
        DTypeError: If ``region`` is not boolean.
        ArgumentError: If ``stride`` is not a positive whole number.

    Examples:
        >>> import torch
        >>> region_share(torch.tensor([[True, True, False], [True, False, True]]), stride=2)
        tensor([[0.7500, 0.5000]])
    """
    check_stride(stride)
    if region.dtype != torch.bool:
        raise DTypeError(f"region: expected a boolean mask, got {region.dtype}; compare it with 0")
    inside = region.to(torch.float32)
    if stride == 1:
        return inside
    return sum_pool(inside, stride) / sum_pool(torch.ones_like(inside), stride)


def within_region(density: Tensor, region: Tensor, *, stride: int = 1) -> Tensor:
    r"""Keep the people of a map that lie inside a region of interest.

    .. math:: \hat D_p = r_p D_p

    where :math:`r_p` is the share of cell :math:`p` inside the region (:func:`region_share`): the people of a cell
    are assumed to be spread evenly over it. Metrics then compare zero with zero outside the region.

    Args:
        density: Map in people per cell, shape :math:`(B, 1, h, w)`.
        region: True inside, one value per full-resolution pixel, bool, shape :math:`(H, W)` for all images or
            :math:`(B, 1, H, W)`; :math:`h = \lceil H/s \rceil` and :math:`w = \lceil W/s \rceil`.
        stride: Pixels along a cell's side.

    Returns:
        Map of the shape and type of ``density``; its sum is the number of people inside.

    Raises:
        ShapeError: If ``density`` is not :math:`(B, 1, h, w)`, or ``region`` does not match it.
        DTypeError: If ``density`` is not floating point, or ``region`` not boolean.
        ArgumentError: If ``stride`` is not a positive whole number.

    Examples:
        >>> import torch
        >>> from crowdkit.metrics import CountMAE
        >>> left = torch.arange(8).expand(6, 8) < 3
        >>> estimate, truth = torch.full((1, 1, 3, 4), 2.0), torch.full((1, 1, 3, 4), 1.0)
        >>> within_region(estimate, left, stride=2)[0, 0, 0]
        tensor([2., 1., 0., 0.])
        >>> metric = CountMAE()
        >>> metric.update(within_region(estimate, left, stride=2), within_region(truth, left, stride=2))
        >>> metric.compute()
        tensor(4.5000, dtype=torch.float64)
    """
    check_map("density", density)
    share = region_share(region, stride=stride)
    fits = share.ndim == 2 or (share.ndim == 4 and share.shape[:2] == density.shape[:2])
    if not fits or share.shape[-2:] != density.shape[-2:]:
        raise ShapeError(
            f"region: expected (H, W) or (B, 1, H, W) of the images of density {tuple(density.shape)} at stride "
            f"{stride}, got {tuple(region.shape)}; pass the region at full resolution, and the map's stride"
        )
    return density * share.to(density.dtype)
