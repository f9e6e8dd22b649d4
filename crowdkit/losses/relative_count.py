"""The error of the count relative to the people there."""

from torch import Tensor

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive
from crowdkit.ops import count


@checked(minimum=positive)
def relative_count_loss(
    pred: Tensor, target: Tensor, *, minimum: float = 1.0, reduction: Reduction = "mean"
) -> Tensor:
    r"""Absolute error of the count relative to the true count.

    .. math:: \ell = \frac{|\hat c - c|}{\max(c, m)}

    with :math:`\hat c, c` the sums of the maps and :math:`m` the ``minimum``, which keeps images without
    people finite. It says nothing about where people are: put it beside a loss of maps, for example with
    :class:`WeightedSum`.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        minimum: People below which the error is no longer relative.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If ``minimum`` is not above 0.
        UnknownNameError: If ``reduction`` is not a known word.

    Examples:
        >>> import torch
        >>> crowd = torch.full((1, 1, 4, 4), 0.5)
        >>> relative_count_loss(0.75 * crowd, crowd)
        tensor(0.2500)
    """
    pred, target = per_pixel(pred, target, stride=1)
    people = count(target)
    return reduce((count(pred) - people).abs() / people.clamp(min=minimum), reduction)


class RelativeCountLoss(LossModule):
    """Relative error of the count as a module; see :func:`relative_count_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> RelativeCountLoss()(torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4))
        tensor(1.)
    """

    function = staticmethod(relative_count_loss)
    minimum: float = 1.0
    reduction: Reduction = "mean"
