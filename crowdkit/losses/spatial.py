"""Spatial abstraction (L_SA) and spatial correlation (L_SC), the two halves of TEDNet's loss."""

from torch import Tensor
from torch.nn import functional as F

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive, whole


@checked(scales=whole, expansion=positive)
def spatial_abstraction_loss(
    pred: Tensor,
    target: Tensor,
    *,
    scales: int = 3,
    scale_zero: bool = True,
    expansion: float = 1.0,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Spatial abstraction loss (:math:`L_{SA}`): squared error over a pyramid of max-pooled maps.

    .. math:: L_{SA} = \sum_{k} \frac1{N_k} \lVert \phi_k(e \hat D) - \phi_k(e D) \rVert_2^2

    :math:`\phi_k` keeps the largest of 2 x 2 cells, :math:`k` times over (an odd last row or column is left
    out, a side of one cell is pooled no further), :math:`N_k` counts the cells left, and :math:`e` is the
    ``expansion``.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        scales: Times the maps are pooled; :math:`k` ends with it.
        scale_zero: Whether :math:`k` begins with 0, the maps themselves, or with 1. Without it only the
            largest of four cells is taught.
        expansion: Factor on both maps before they are compared.
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
        Jiang et al. *Crowd Counting and Density Estimation by Trellis Encoder-Decoder Networks*. CVPR 2019,
        combinatorial loss.

    Examples:
        >>> import torch
        >>> crowd = torch.eye(4)[None, None]
        >>> spatial_abstraction_loss(torch.zeros_like(crowd), crowd, scales=2)  # 4 / 16 + 2 / 4 + 1
        tensor(1.7500)
    """
    pred, target = per_pixel(pred, target, stride)
    return reduce(abstraction(pred * expansion, target * expansion, scales, scale_zero=scale_zero), reduction)


def abstraction(pred: Tensor, target: Tensor, scales: int, *, scale_zero: bool) -> Tensor:
    """Compare expanded maps (B, 1, h, w) over a pyramid: (B,)."""
    errors = [_mean_square(pred, target)] if scale_zero else []
    for _ in range(scales):
        halves = [2 if side > 1 else 1 for side in pred.shape[-2:]]
        pred, target = F.max_pool2d(pred, halves), F.max_pool2d(target, halves)
        errors.append(_mean_square(pred, target))
    total = errors[0]
    for error in errors[1:]:
        total = total + error
    return total


def _mean_square(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).square().mean(dim=(1, 2, 3))


@checked(eps=positive)
def spatial_correlation_loss(
    pred: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-6,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Spatial correlation loss (:math:`L_{SC}`): one minus the correlation of each image's two maps.

    .. math:: L_{SC} = 1 - \frac{\sum_p \hat D_p D_p}{\sqrt{\sum_p \hat D_p^2 \, \sum_p D_p^2}}

    It does not see how many people there are: an estimate may be multiplied by any number. A map whose norm
    is below ``eps`` has no direction: the loss is 0 where that is the truth, 1 where it is the estimate
    alone, and there is no gradient in either case.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        eps: Smallest norm :math:`\sqrt{\sum_p D_p^2}` of a map, after the division by ``stride**2``.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``; between 0 and 2, at most 1 for maps without
        negative cells. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Jiang et al. *Crowd Counting and Density Estimation by Trellis Encoder-Decoder Networks*. CVPR 2019,
        combinatorial loss.

    Examples:
        >>> import torch
        >>> crowd = torch.eye(4)[None, None]
        >>> spatial_correlation_loss(7 * crowd, crowd)
        tensor(0.)
        >>> spatial_correlation_loss(torch.ones_like(crowd), crowd)  # 1 - 4 / sqrt(16 * 4)
        tensor(0.5000)
    """
    pred, target = per_pixel(pred, target, stride)
    return reduce(decorrelation(pred, target, eps), reduction)


def decorrelation(pred: Tensor, target: Tensor, eps: float) -> Tensor:
    """Return one minus the correlation of maps (B, 1, h, w): (B,)."""
    dims = (1, 2, 3)
    squares_p, squares_t = pred.square().sum(dim=dims), target.square().sum(dim=dims)
    someone_p, someone_t = ~(squares_p < eps**2), ~(squares_t < eps**2)  # NaN is not nobody
    # The roots are taken of 1 where they would be of nothing, whose slope has no end.
    norms = squares_p.where(someone_p, 1).sqrt() * squares_t.where(someone_t, 1).sqrt()
    correlation = (pred * target).sum(dim=dims) / norms
    # A map without direction, beside one that is not finite: 0 * NaN is NaN.
    correlation = correlation.where(someone_p, 0 * squares_t).where(someone_t, 1 + 0 * squares_p)
    return 1 - correlation


class SpatialAbstractionLoss(LossModule):
    """Spatial abstraction loss as a module; see :func:`spatial_abstraction_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> SpatialAbstractionLoss(scale_zero=False)(torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
        tensor(3.)
    """

    function = staticmethod(spatial_abstraction_loss)
    scales: int = 3
    scale_zero: bool = True
    expansion: float = 1.0
    stride: int = 1
    reduction: Reduction = "mean"


class SpatialCorrelationLoss(LossModule):
    """Spatial correlation loss as a module; see :func:`spatial_correlation_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> SpatialCorrelationLoss()(torch.ones(1, 1, 4, 4), torch.eye(4)[None, None])
        tensor(0.5000)
    """

    function = staticmethod(spatial_correlation_loss)
    eps: float = 1e-6
    stride: int = 1
    reduction: Reduction = "mean"
