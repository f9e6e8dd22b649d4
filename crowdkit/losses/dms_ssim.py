"""Dilated multi-scale SSIM, the loss of DSSINet."""

from math import isfinite

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError
from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive, wholes
from crowdkit.losses._ssim import WINDOW_CHECKS, halve, local_statistics
from crowdkit.ops import gaussian_window

_DILATIONS = (1, 2, 3, 6, 9)
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def _positives(name: str, values: tuple[float, ...]) -> None:
    if not values or any(not (isfinite(each) and each > 0) for each in values):
        raise ArgumentError(f"{name}: expected finite numbers > 0, got {values!r}")


def _check_levels(dilations: tuple[int, ...], weights: tuple[float, ...]) -> None:
    if len(dilations) != len(weights):
        raise ArgumentError(
            f"dilations: expected one for each of the {len(weights)} weights, got {len(dilations)}"
        )


@checked(dilations=wholes, weights=_positives, floor=positive, eps=positive, **WINDOW_CHECKS)
def dms_ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    dilations: tuple[int, ...] = _DILATIONS,
    weights: tuple[float, ...] = _WEIGHTS,
    window_size: int = 5,
    window_sigma: float = 1.0,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    floor: float = 1e-3,
    eps: float = 1e-12,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Dilated multi-scale SSIM (DMS-SSIM, :math:`L_{DS}`): one minus a product of SSIMs over five levels.

    .. math:: L_{DS} = 1 - \prod_{i} \max(s_i, \tau)^{w_i} + \sum_i w_i \max(\tau - s_i, 0)

    with :math:`s_i` the mean SSIM of level :math:`i`. Both maps are divided by the largest cell of the true
    one, image by image. Level :math:`i` compares maps halved :math:`i - 1` times by 2 x 2 averages (an odd last
    row or column is left out, a side of one cell is kept) under a Gaussian window whose weights lie
    ``dilations[i]`` cells apart; the maps are continued by zeros.

    The original is :math:`1 - \prod_i s_i^{w_i}`, and so is this where no :math:`s_i` is below :math:`\tau`
    (the ``floor``). The original's slope is infinite at :math:`s_i = 0`, and below it is NaN; here such a
    level goes on as a straight line.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        dilations: Distance of the window's weights at each level, in that level's cells.
        weights: Exponent of each level.
        window_size: Side of the Gaussian window, in weights; odd.
        window_sigma: Standard deviation of the window, in weights.
        c1: Constant of the luminance term, for maps whose largest cell is 1.
        c2: Constant of the structure term.
        floor: Mean SSIM of a level, :math:`\tau`, below which it counts by a straight line.
        eps: What is added to both maps and to the largest cell before the division.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``; between 0 and 2. float32, or float64 if
        either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Liu et al. *Crowd Counting with Deep Structured Scale Integration Network*. ICCV 2019, section 3.3;
        constants from the authors' code (``NORMMSSSIM``).

    Examples:
        >>> import torch
        >>> crowd = torch.eye(32)[None, None]
        >>> dms_ssim_loss(crowd, crowd)
        tensor(0.)
        >>> dms_ssim_loss(1 - crowd, crowd) > 1
        tensor(True)
    """
    _check_levels(dilations, weights)
    pred, target = per_pixel(pred, target, stride)
    peak = target.amax(dim=(1, 2, 3), keepdim=True).clamp(min=0) + eps
    pred, target = (pred + eps) / peak, (target + eps) / peak
    window = gaussian_window(window_size, window_sigma)
    power = below = torch.zeros((), dtype=pred.dtype, device=pred.device)
    for level, (dilation, weight) in enumerate(zip(dilations, weights, strict=True)):
        if level:
            pred, target = halve(pred), halve(target)
        similarity = _mean_ssim(pred, target, window, dilation, c1, c2)
        power = power + weight * similarity.clamp(min=floor).log()
        below = below + weight * (floor - similarity).relu()
    return reduce(below - power.expm1(), reduction)


def _mean_ssim(
    x: Tensor, y: Tensor, window: tuple[float, ...], dilation: int, c1: float, c2: float
) -> Tensor:
    # Shape (B,). Not as one minus a dissimilarity: a small exponent tells 1e-8 from 0.
    local = local_statistics(x, y, window, padding="same", dilation=dilation)
    luminance = (2 * local.mean_x * local.mean_y + c1) / (local.energy + c1)
    structure = (local.var_s - local.var_d + c2) / (local.var_s + c2)
    return (luminance * structure).mean(dim=(-2, -1))


class DMSSSIMLoss(LossModule):
    """Dilated multi-scale SSIM (DMS-SSIM) as a module; see :func:`dms_ssim_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> DMSSSIMLoss(stride=8)(torch.ones(1, 1, 20, 30), torch.ones(1, 1, 20, 30))
        tensor(0.)
    """

    function = staticmethod(dms_ssim_loss)
    dilations: tuple[int, ...] = _DILATIONS
    weights: tuple[float, ...] = _WEIGHTS
    window_size: int = 5
    window_sigma: float = 1.0
    c1: float = 0.01**2
    c2: float = 0.03**2
    floor: float = 1e-3
    eps: float = 1e-12
    stride: int = 1
    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        """Check the settings, and that each level has its own."""
        super().__post_init__()
        _check_levels(self.dilations, self.weights)
