"""Squared error of density maps, with the field's several normalizations by name."""

from typing import Literal

from torch import Tensor

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, one_of, positive

PixelReduction = Literal["mean", "sum", "csrnet"]
_PIXEL_REDUCTIONS = ("mean", "sum", "csrnet")


@checked(pixel=one_of(*_PIXEL_REDUCTIONS), expansion=positive)
def density_mse_loss(
    pred: Tensor,
    target: Tensor,
    *,
    pixel: PixelReduction = "mean",
    expansion: float = 1.0,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Squared error of two density maps.

    .. math:: \ell = \sum_p w \, (e \hat D_p - e D_p)^2

    with :math:`w = 1 / (h w)` for ``pixel="mean"``, 1 for ``"sum"`` and 1/2 for ``"csrnet"``, and
    :math:`e` the ``expansion``.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        pixel: How an image's cells become its value: ``"mean"``, ``"sum"``, or ``"csrnet"``, half the sum.
        expansion: Factor on both maps.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first; leave it
            at 1 for the published losses, which compare the maps as they are.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``pixel`` or ``reduction`` is not a known word.

    References:
        Li, Zhang and Chen. *CSRNet*. CVPR 2018, equation 3 (``"csrnet"``).

    Examples:
        >>> import torch
        >>> density_mse_loss(torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4), pixel="csrnet")
        tensor(8.)
    """
    pred, target = per_pixel(pred, target, stride)
    squares = ((pred - target) * expansion).square()
    dims = (1, 2, 3)
    if pixel == "mean":
        return reduce(squares.mean(dim=dims), reduction)
    total = squares.sum(dim=dims)
    return reduce(total / 2 if pixel == "csrnet" else total, reduction)


class DensityMSELoss(LossModule):
    """Squared error of density maps as a module; see :func:`density_mse_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> DensityMSELoss(pixel="sum")(torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4))
        tensor(16.)
    """

    function = staticmethod(density_mse_loss)
    name = "mse"
    pixel: PixelReduction = "mean"
    expansion: float = 1.0
    stride: int = 1
    reduction: Reduction = "mean"
