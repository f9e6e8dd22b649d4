"""The loss of SANet: squared error, plus the consistency of local patterns."""

from torch import Tensor

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, positive
from crowdkit.losses._ssim_pyramid import CHECKS, SSIMPyramid
from crowdkit.ops import Padding


@checked(consistency_weight=positive, **CHECKS)
def sanet_loss(
    pred: Tensor,
    target: Tensor,
    *,
    consistency_weight: float = 0.001,
    window_size: int = 11,
    window_sigma: float = 1.5,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    expansion: float = 1.0,
    padding: Padding = "same",
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Loss of SANet (:math:`L_{SSIM}`): squared error, plus local pattern consistency.

    .. math:: L = L_E + \alpha_C L_C, \quad L_E = \frac1{hw} \sum_p (e \hat D_p - e D_p)^2,
        \quad L_C = 1 - \frac1{hw} \sum_p SSIM_p(e \hat D, e D)

    :math:`\alpha_C` is the ``consistency_weight``, :math:`e` the ``expansion``; :math:`L_C` is
    :func:`~crowdkit.losses.ssim_pyramid_loss` of one level.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        consistency_weight: Weight of :math:`L_C`.
        window_size: Side of SSIM's Gaussian window, in cells; odd.
        window_sigma: Standard deviation of the window, in cells.
        c1: SSIM's constant of the luminance term; it means something only beside ``expansion``.
        c2: SSIM's constant of the structure term.
        expansion: Factor on both maps before they are compared.
        padding: ``"same"`` continues the maps by zeros and compares at every cell, as :math:`L_C` is written;
            ``"valid"`` compares where the window fits.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``padding`` or ``reduction`` is not a known word.

    References:
        Cao et al. *Scale Aggregation Network for Accurate and Efficient Crowd Counting*. ECCV 2018,
        section 3.4.

    Examples:
        >>> import torch
        >>> crowd = torch.full((1, 1, 32, 32), 0.01)
        >>> sanet_loss(crowd, crowd)
        tensor(0.)
        >>> sanet_loss(torch.zeros_like(crowd), crowd) > 1e-4  # the squared error alone
        tensor(True)
    """
    pred, target = per_pixel(pred, target, stride)
    squares = ((pred - target) * expansion).square().mean(dim=(1, 2, 3))
    pattern = SSIMPyramid(1, window_size, window_sigma, c1, c2, expansion, padding)(pred, target)
    return reduce(squares + consistency_weight * pattern, reduction)


class SANetLoss(LossModule):
    """Loss of SANet as a module; see :func:`sanet_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> SANetLoss(expansion=100.0)(torch.ones(1, 1, 32, 32), torch.ones(1, 1, 32, 32))
        tensor(0.)
    """

    function = staticmethod(sanet_loss)
    consistency_weight: float = 0.001
    window_size: int = 11
    window_sigma: float = 1.5
    c1: float = 0.01**2
    c2: float = 0.03**2
    expansion: float = 1.0
    padding: Padding = "same"
    stride: int = 1
    reduction: Reduction = "mean"
