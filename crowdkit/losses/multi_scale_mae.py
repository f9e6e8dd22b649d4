"""Absolute errors of the counts of cells at several scales."""

from collections.abc import Sequence
from math import isfinite

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError
from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive, wholes
from crowdkit.ops import count, sum_pool


def _weights(name: str, values: Sequence[float]) -> None:
    if not all(isfinite(each) and each >= 0 for each in values):
        raise ArgumentError(f"{name}: expected finite numbers >= 0, got {tuple(values)}")


def _positive_or_none(name: str, value: float | None) -> None:
    if value is not None:
        positive(name, value)


@checked(scales=wholes, weights=_weights, relative_to=_positive_or_none)
def multi_scale_mae_loss(
    pred: Tensor,
    target: Tensor,
    *,
    scales: Sequence[int] = (1, 2, 4),
    weights: Sequence[float] = (1 / 4, 1 / 8, 1 / 16),
    relative_to: float | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Multi-scale mean absolute error (MAE): errors of the counts of ever larger cells.

    .. math:: \ell = \frac{1}{n} \sum_s w_s \sum_m \Bigl| \sum_{i \in m} (\hat D_i - D_i) \Bigr|, \quad
        n = \begin{cases} 1 & m_0 \text{ not given} \\ \max(c, m_0) & \text{otherwise} \end{cases}

    with :math:`m` the squares of :math:`s \times s` cells, :math:`c` the true count and :math:`m_0` =
    ``relative_to``. Misplaced people cost where they are; at a coarse scale only their number does. The authors
    average over a square where this sums, at weights 1/4, 1/2 and 1: the defaults are theirs divided by
    :math:`s^2`. Cells that do not fill a square form smaller ones at the right and bottom border.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        scales: Sides of the squares :math:`s` in cells.
        weights: Weight of each scale, :math:`w_s`.
        relative_to: :math:`m_0`: divide by the true count, at least by so many people. ``None`` divides by nothing.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If scales are not whole numbers >= 1 with one finite weight >= 0 each, or ``relative_to`` is
            not above 0.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Ma, Sanchez and Guha. *ZIP: Scalable Crowd Counting via Zero-Inflated Poisson Modeling*. 2025
        (arXiv 2506.19955), and the authors' code.

    Examples:
        Two people seen one cell beside where they are:

        >>> import torch
        >>> pred, target = torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4)
        >>> pred[..., 0, 0], target[..., 0, 1] = 2.0, 2.0
        >>> multi_scale_mae_loss(pred, target, scales=(1, 2), weights=(1.0, 1.0))
        tensor(4.)
    """
    if len(scales) != len(weights):
        raise ArgumentError(
            f"weights: expected one for each of {len(scales)} scales, got {tuple(weights)}; give both one length"
        )
    pred, target = per_pixel(pred, target, stride=1)
    error = pred - target
    parts = [
        weight * sum_pool(error, scale).abs().sum(dim=(1, 2, 3))
        for scale, weight in zip(scales, weights, strict=True)
    ]
    total = torch.stack(parts).sum(dim=0)
    return reduce(total if relative_to is None else total / count(target).clamp(min=relative_to), reduction)


class MultiScaleMAELoss(LossModule):
    """Multi-scale mean absolute error as a module; see :func:`multi_scale_mae_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> MultiScaleMAELoss(reduction="none")(torch.rand(2, 1, 9, 5), torch.rand(2, 1, 9, 5)).shape
        torch.Size([2])
    """

    function = staticmethod(multi_scale_mae_loss)
    scales: Sequence[int] = (1, 2, 4)
    weights: Sequence[float] = (1 / 4, 1 / 8, 1 / 16)
    relative_to: float | None = None
    reduction: Reduction = "mean"
