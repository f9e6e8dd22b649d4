"""The combinatorial loss of TEDNet: spatial abstraction plus spatial correlation."""

from torch import Tensor

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive, whole
from crowdkit.losses.spatial import abstraction, decorrelation


@checked(scales=whole, correlation_weight=positive, expansion=positive, eps=positive)
def tednet_loss(
    pred: Tensor,
    target: Tensor,
    *,
    scales: int = 3,
    scale_zero: bool = True,
    correlation_weight: float = 1.0,
    expansion: float = 50.0,
    eps: float = 1e-6,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Combinatorial loss of TEDNet: spatial abstraction plus spatial correlation.

    .. math:: L = L_{SA} + \lambda L_{SC}

    :math:`L_{SA}` is :func:`~crowdkit.losses.spatial_abstraction_loss`, :math:`L_{SC}` is
    :func:`~crowdkit.losses.spatial_correlation_loss`, :math:`\lambda` the ``correlation_weight``. :math:`L_{SC}` lies
    between 0 and 1 whatever the maps' scale, :math:`L_{SA}` grows with its square: ``expansion`` sets the
    balance, and at 1 nothing teaches the count.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        scales: Times that :math:`L_{SA}` pools the maps.
        scale_zero: Whether :math:`L_{SA}` compares the maps themselves too.
        correlation_weight: Weight of :math:`L_{SC}`.
        expansion: Factor on both maps before :math:`L_{SA}` compares them.
        eps: Smallest norm of a map that :math:`L_{SC}` sees, after the division by ``stride**2``.
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
        >>> tednet_loss(2 * crowd, crowd, scales=2, expansion=1.0)  # 4 / 16 + 2 / 4 + 1, and correlated
        tensor(1.7500)
    """
    pred, target = per_pixel(pred, target, stride)
    maxima = abstraction(pred * expansion, target * expansion, scales, scale_zero=scale_zero)
    return reduce(maxima + correlation_weight * decorrelation(pred, target, eps), reduction)


class TEDNetLoss(LossModule):
    """Combinatorial loss of TEDNet as a module; see :func:`tednet_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> loss = TEDNetLoss(scales=1, expansion=1.0)
        >>> loss(torch.ones(1, 1, 4, 4), torch.eye(4)[None, None])  # 12 / 16 + 2 / 4 + 1 / 2
        tensor(1.7500)
    """

    function = staticmethod(tednet_loss)
    scales: int = 3
    scale_zero: bool = True
    correlation_weight: float = 1.0
    expansion: float = 50.0
    eps: float = 1e-6
    stride: int = 1
    reduction: Reduction = "mean"
