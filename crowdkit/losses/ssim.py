"""The structural half of BSL: SSIM over a pyramid of density maps."""

from torch import Tensor

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked
from crowdkit.losses._ssim_pyramid import CHECKS, SSIMPyramid
from crowdkit.ops import Padding


@checked(**CHECKS)
def ssim_pyramid_loss(
    pred: Tensor,
    target: Tensor,
    *,
    scales: int = 3,
    window_size: int = 11,
    window_sigma: float = 1.5,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    expansion: float = 50.0,
    padding: Padding = "valid",
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Structural loss (SL): one minus SSIM, averaged over a pyramid of average-pooled maps.

    .. math:: SL = \frac1K \sum_{j=1}^K \bigl(1 - \overline{SSIM}(Pool_j(D), Pool_j(\hat D))\bigr)

    :math:`Pool_j` halves the maps :math:`j - 1` times by 2 x 2 averages (an odd last row or column is left
    out) and SSIM is the fraction inside the brackets of the paper's equation 4, which the paper negates
    twice. A side that has come down to one cell is pooled no further.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        scales: Scales of the pyramid, :math:`K`.
        window_size: Side of the Gaussian window, in cells; odd. With ``padding="valid"`` a scale whose
            shorter side is smaller uses the largest odd window that fits.
        window_sigma: Standard deviation of the window, in cells.
        c1: Constant of the luminance term. The paper prints 0.01, its first author's code has
            :math:`0.01^2`; it means something only beside ``expansion``.
        c2: Constant of the structure term: 0.03 in print, :math:`0.03^2` in the code.
        expansion: Factor on both maps before they are compared.
        padding: ``"valid"`` compares where the window fits; ``"same"`` continues the maps by zeros and
            compares everywhere, as the authors do.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``; between 0 and 2. float32, or float64
        if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``padding`` or ``reduction`` is not a known word.

    References:
        Rong and Li. *Coarse- and Fine-grained Attention Network with Background-aware Loss for Crowd
        Density Map Estimation*. WACV 2021, equations 3 and 4.

    Examples:
        >>> import torch
        >>> crowd = torch.full((1, 1, 32, 32), 0.01)
        >>> ssim_pyramid_loss(crowd, crowd)
        tensor(0.)
        >>> ssim_pyramid_loss(torch.zeros_like(crowd), crowd)
        tensor(0.9996)
    """
    pred, target = per_pixel(pred, target, stride)
    pyramid = SSIMPyramid(scales, window_size, window_sigma, c1, c2, expansion, padding)
    return reduce(pyramid(pred, target), reduction)


class SSIMPyramidLoss(LossModule):
    """Structural loss (SL) as a module; see :func:`ssim_pyramid_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> SSIMPyramidLoss(scales=2)(torch.ones(1, 1, 32, 32), torch.ones(1, 1, 32, 32))
        tensor(0.)
    """

    function = staticmethod(ssim_pyramid_loss)
    scales: int = 3
    window_size: int = 11
    window_sigma: float = 1.5
    c1: float = 0.01**2
    c2: float = 0.03**2
    expansion: float = 50.0
    padding: Padding = "valid"
    stride: int = 1
    reduction: Reduction = "mean"
