"""The loss of DSNet: squared error, plus the consistency of the density level over coarse grids."""

from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.losses._maps import check_positive, per_pixel
from crowdkit.losses._reduction import Reduction, check_reduction, reduce
from crowdkit.losses.mse import density_mse_loss
from crowdkit.ops import check_stride


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
    _check_sizes(sizes)
    check_positive(expansion=expansion)
    check_reduction(reduction)
    pred, target = per_pixel(pred, target, stride)
    # Pooling is linear: pool the error, once.
    error = (pred - target) * expansion
    total = F.adaptive_avg_pool2d(error, sizes[0]).abs().mean(dim=(1, 2, 3))
    for size in sizes[1:]:
        total = total + F.adaptive_avg_pool2d(error, size).abs().mean(dim=(1, 2, 3))
    return reduce(total, reduction)


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
    check_positive(consistency_weight=consistency_weight)
    check_reduction(reduction)
    squares = density_mse_loss(pred, target, expansion=expansion, stride=stride, reduction="none")
    consistency = density_level_consistency_loss(
        pred, target, sizes=sizes, expansion=expansion, stride=stride, reduction="none"
    )
    return reduce(squares + consistency_weight * consistency, reduction)


def _check_sizes(sizes: tuple[int, ...]) -> None:
    if not sizes or any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in sizes):
        raise ArgumentError(f"sizes: expected whole numbers >= 1, got {sizes!r}")


class DensityLevelConsistencyLoss(nn.Module):
    """Density level consistency as a module; see :func:`density_level_consistency_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> loss = DensityLevelConsistencyLoss(expansion=1.0)
        >>> loss(torch.full((1, 1, 8, 8), 3.0), torch.full((1, 1, 8, 8), 1.0))
        tensor(6.)
    """

    def __init__(
        self,
        *,
        sizes: tuple[int, ...] = (1, 2, 4),
        expansion: float = 64.0,
        stride: int = 1,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        _check_sizes(sizes)
        check_positive(expansion=expansion)
        check_stride(stride)
        check_reduction(reduction)
        self.sizes = tuple(sizes)
        self.expansion = expansion
        self.stride = stride
        self.reduction: Reduction = reduction

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare two maps; see :func:`density_level_consistency_loss`."""
        return density_level_consistency_loss(
            pred,
            target,
            sizes=self.sizes,
            expansion=self.expansion,
            stride=self.stride,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return (
            f"sizes={self.sizes}, expansion={self.expansion:g}, stride={self.stride}, "
            f"reduction={self.reduction!r}"
        )


class DSNetLoss(nn.Module):
    """Loss of DSNet as a module; see :func:`dsnet_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> crowd = torch.full((1, 1, 8, 8), 0.64)  # people per cell of 8 x 8 pixels
        >>> DSNetLoss(stride=8)(crowd * 1.1, crowd)
        tensor(192.0041)
    """

    def __init__(
        self,
        *,
        consistency_weight: float = 1000.0,
        sizes: tuple[int, ...] = (1, 2, 4),
        expansion: float = 64.0,
        stride: int = 1,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        check_positive(consistency_weight=consistency_weight, expansion=expansion)
        _check_sizes(sizes)
        check_stride(stride)
        check_reduction(reduction)
        self.consistency_weight = consistency_weight
        self.sizes = tuple(sizes)
        self.expansion = expansion
        self.stride = stride
        self.reduction: Reduction = reduction

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare two maps; see :func:`dsnet_loss`."""
        return dsnet_loss(
            pred,
            target,
            consistency_weight=self.consistency_weight,
            sizes=self.sizes,
            expansion=self.expansion,
            stride=self.stride,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return (
            f"consistency_weight={self.consistency_weight:g}, sizes={self.sizes}, "
            f"expansion={self.expansion:g}, stride={self.stride}, reduction={self.reduction!r}"
        )
