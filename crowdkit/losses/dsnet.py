"""The loss of DSNet: squared error, plus the consistency of the density level over coarse grids."""

from torch import Tensor
from torch.nn import functional as F

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive, wholes


@checked(sizes=wholes, expansion=positive)
def density_level_consistency_loss(
    pred: Tensor,
    target: Tensor,
    *,
    sizes: tuple[int, ...] = (1, 2, 4),
    expansion: float = 64.0,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Multi-scale density level consistency (:math:`L_c`): absolute error of the mean density on coarse grids.

    .. math:: L_c = \sum_{s} \frac1{s^2} \lVert P_s(e \hat D) - P_s(e D) \rVert_1

    :math:`P_s` averages a map over a grid of :math:`s \times s` regions, which may overlap by a cell where a
    side is not a multiple of :math:`s`, and :math:`e` is the ``expansion``.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        sizes: Regions along a side, :math:`s`, of each grid.
        expansion: Factor on both maps before they are compared; 64 turns people per pixel into people per
            8 x 8 cell, in which DSNet counts.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Dai et al. *Dense Scale Network for Crowd Counting*. arXiv 1906.09707, 2019 (ICMR 2021).

    Examples:
        >>> import torch
        >>> crowd = torch.eye(8)[None, None] / 64
        >>> density_level_consistency_loss(torch.zeros_like(crowd), crowd)  # a mean of 1/8 on each grid
        tensor(0.3750)
    """
    pred, target = per_pixel(pred, target, stride)
    return reduce(_inconsistency((pred - target) * expansion, sizes), reduction)


def _inconsistency(error: Tensor, sizes: tuple[int, ...]) -> Tensor:
    # Pooling is linear: pool the error, once.
    total = F.adaptive_avg_pool2d(error, sizes[0]).abs().mean(dim=(1, 2, 3))
    for size in sizes[1:]:
        total = total + F.adaptive_avg_pool2d(error, size).abs().mean(dim=(1, 2, 3))
    return total


@checked(consistency_weight=positive, sizes=wholes, expansion=positive)
def dsnet_loss(
    pred: Tensor,
    target: Tensor,
    *,
    consistency_weight: float = 1000.0,
    sizes: tuple[int, ...] = (1, 2, 4),
    expansion: float = 64.0,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Loss of DSNet: squared error, plus the consistency of the density level.

    .. math:: L = \frac1{hw} \sum_p (e \hat D_p - e D_p)^2 + \lambda L_c

    :math:`L_c` is :func:`density_level_consistency_loss`, :math:`\lambda` the ``consistency_weight``.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        consistency_weight: Weight of :math:`L_c`.
        sizes: Regions along a side of each grid of :math:`L_c`.
        expansion: Factor on both maps before they are compared; 64 turns people per pixel into people per
            8 x 8 cell, in which DSNet counts and for which its weight is meant.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Dai et al. *Dense Scale Network for Crowd Counting*. arXiv 1906.09707, 2019 (ICMR 2021).

    Examples:
        >>> import torch
        >>> crowd = torch.full((1, 1, 8, 8), 0.01)  # people per pixel
        >>> dsnet_loss(crowd * 1.1, crowd)
        tensor(192.0041)
    """
    pred, target = per_pixel(pred, target, stride)
    error = (pred - target) * expansion
    squares = error.square().mean(dim=(1, 2, 3))
    return reduce(squares + consistency_weight * _inconsistency(error, sizes), reduction)


class DensityLevelConsistencyLoss(LossModule):
    """Density level consistency as a module; see :func:`density_level_consistency_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> loss = DensityLevelConsistencyLoss(expansion=1.0)
        >>> loss(torch.full((1, 1, 8, 8), 3.0), torch.full((1, 1, 8, 8), 1.0))
        tensor(6.)
    """

    function = staticmethod(density_level_consistency_loss)
    sizes: tuple[int, ...] = (1, 2, 4)
    expansion: float = 64.0
    stride: int = 1
    reduction: Reduction = "mean"


class DSNetLoss(LossModule):
    """Loss of DSNet as a module; see :func:`dsnet_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> crowd = torch.full((1, 1, 8, 8), 0.64)  # people per cell of 8 x 8 pixels
        >>> DSNetLoss(stride=8)(crowd * 1.1, crowd)
        tensor(192.0041)
    """

    function = staticmethod(dsnet_loss)
    consistency_weight: float = 1000.0
    sizes: tuple[int, ...] = (1, 2, 4)
    expansion: float = 64.0
    stride: int = 1
    reduction: Reduction = "mean"
