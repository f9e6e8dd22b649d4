"""The background half of BSL: how much of the estimate lies where nobody is."""

import torch
from torch import Tensor

from crowdkit.errors import DTypeError, ShapeError
from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive

EPS = 1e-6


@checked(threshold=positive, eps=positive)
def background_ratio_loss(
    pred: Tensor,
    target: Tensor,
    *,
    background: Tensor | None = None,
    threshold: float = 1e-5,
    eps: float = EPS,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Background loss (BL): the share of the estimated people that stands on background.

    .. math:: BL = \frac{\sum_{p \in bg} \hat D_p^+}{\max(\sum_p \hat D_p^+, \epsilon)},
        \quad \hat D^+ = \max(\hat D, 0)

    Background is where the true map is below ``threshold``. For an estimate of at least ``eps`` people the
    value is the paper's exactly; an estimate without anybody has loss 0 and no gradient. On an image with
    nobody in it the loss is 1 for every estimate, so it cannot teach "no people": the structural loss does.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        background: Boolean map of the background, same shape; from ``target`` when ``None``.
        threshold: People per full-resolution pixel below which a cell is background.
        eps: Smallest sum to divide by, after the division by ``stride**2``.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``; between 0 and 1. float32, or float64
        if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point, or ``background`` not boolean.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Rong and Li. *Coarse- and Fine-grained Attention Network with Background-aware Loss for Crowd
        Density Map Estimation*. WACV 2021, equation 5.

    Examples:
        >>> import torch
        >>> crowd = torch.tensor([[[[0.0, 0.0, 2.0, 1.0]]]])
        >>> background_ratio_loss(torch.ones(1, 1, 1, 4), crowd)
        tensor(0.5000)
    """
    pred, target = per_pixel(pred, target, stride)
    return reduce(outside_share(pred, target, background, threshold, eps), reduction)


def outside_share(
    pred: Tensor, target: Tensor, background: Tensor | None, threshold: float, eps: float
) -> Tensor:
    """Return the share of the people who stand on background, (B,), of maps in people per pixel."""
    if background is None:
        background = target < threshold
    elif background.dtype != torch.bool:
        raise DTypeError(
            f"background: expected a boolean map, got {background.dtype}; compare with a threshold"
        )
    elif background.shape != pred.shape:
        raise ShapeError(
            f"background: expected the shape of pred {tuple(pred.shape)}, got {tuple(background.shape)}"
        )
    # relu, whose slope at 0 is 0: an all-zero estimate gets no gradient instead of one of 1 / eps.
    people, dims = pred.relu(), (1, 2, 3)
    outside = people.where(background, 0).sum(dim=dims)
    # 0, or NaN where a cell is NaN or infinite, which a comparison and a relu hide.
    lost = 0 * (pred.sum(dim=dims) + target.sum(dim=dims))
    return outside / people.sum(dim=dims).clamp(min=eps) + lost


class BackgroundRatioLoss(LossModule):
    """Background loss (BL) as a module; see :func:`background_ratio_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> BackgroundRatioLoss()(torch.ones(1, 1, 2, 2), torch.eye(2)[None, None])
        tensor(0.5000)
    """

    function = staticmethod(background_ratio_loss)
    threshold: float = 1e-5
    eps: float = EPS
    stride: int = 1
    reduction: Reduction = "mean"
