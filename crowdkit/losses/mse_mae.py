"""Squared plus absolute error, the density loss of Counting with Focus for Free."""

from torch import Tensor

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive


@checked(square_weight=positive, absolute_weight=positive, expansion=positive)
def mse_mae_loss(
    pred: Tensor,
    target: Tensor,
    *,
    square_weight: float = 0.5,
    absolute_weight: float = 10.0,
    expansion: float = 100.0,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Squared plus absolute error of two density maps, each averaged over an image's cells.

    .. math:: \ell = \frac1{hw} \sum_p a \, |e \hat D_p - e D_p| + b \, (e \hat D_p - e D_p)^2

    with :math:`a` the ``absolute_weight``, :math:`b` the ``square_weight`` and :math:`e` the ``expansion``.
    The authors multiply their maps by 100 when they read them, so 10 and 1/2 mean something only beside it.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        square_weight: Weight of the squared error.
        absolute_weight: Weight of the absolute error.
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
        Shi, Mettes and Snoek. *Counting with Focus for Free*. ICCV 2019; weights and factor from the authors'
        code.

    Examples:
        >>> import torch
        >>> mse_mae_loss(torch.full((1, 1, 4, 4), 0.03), torch.full((1, 1, 4, 4), 0.01))  # 10 * 2 + 2**2 / 2
        tensor(22.)
    """
    pred, target = per_pixel(pred, target, stride)
    error = (pred - target) * expansion
    absolute, square = error.abs().mean(dim=(1, 2, 3)), error.square().mean(dim=(1, 2, 3))
    return reduce(absolute_weight * absolute + square_weight * square, reduction)


class MSEMAELoss(LossModule):
    """Squared plus absolute error as a module; see :func:`mse_mae_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> MSEMAELoss(expansion=1.0)(torch.full((1, 1, 4, 4), 3.0), torch.full((1, 1, 4, 4), 1.0))
        tensor(22.)
    """

    function = staticmethod(mse_mae_loss)
    square_weight: float = 0.5
    absolute_weight: float = 10.0
    expansion: float = 100.0
    stride: int = 1
    reduction: Reduction = "mean"
