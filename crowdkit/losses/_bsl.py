"""Background-aware Structural Loss, the paper's density loss."""

from torch import Tensor

from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, not_negative, positive
from crowdkit.losses._ssim_pyramid import CHECKS, SSIMPyramid
from crowdkit.losses.background import EPS, outside_share
from crowdkit.ops import Padding


@checked(threshold=positive, background_weight=not_negative, **CHECKS)
def bsl(
    pred: Tensor,
    target: Tensor,
    *,
    background: Tensor | None = None,
    scales: int = 3,
    window_size: int = 11,
    window_sigma: float = 1.5,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    expansion: float = 50.0,
    threshold: float = 1e-5,
    background_weight: float = 1.0,
    padding: Padding = "valid",
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Background-aware Structural Loss (BSL): structure, plus the share of the estimate on background.

    .. math:: BSL = SL + w \, BL

    SL is :func:`~crowdkit.losses.ssim_pyramid_loss`, BL is :func:`~crowdkit.losses.background_ratio_loss`.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        background: Boolean map of the background, same shape; from ``target`` when ``None``.
        scales: Scales of SL's pyramid.
        window_size: Side of SSIM's Gaussian window, in cells; odd.
        window_sigma: Standard deviation of the window, in cells.
        c1: SSIM's constant of the luminance term.
        c2: SSIM's constant of the structure term.
        expansion: Factor on both maps before SSIM compares them.
        threshold: People per full-resolution pixel below which a cell is background.
        background_weight: Weight of BL, :math:`w`.
        padding: ``"valid"``, or ``"same"`` as the authors do.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first, so that
            the constants keep their meaning.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point, or ``background`` not boolean.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``padding`` or ``reduction`` is not a known word.

    References:
        Rong and Li. *Coarse- and Fine-grained Attention Network with Background-aware Loss for Crowd
        Density Map Estimation*. WACV 2021, equations 3 to 6.

    Examples:
        >>> import torch
        >>> crowd = torch.zeros(1, 1, 32, 32)
        >>> crowd[..., 16:] = 0.01
        >>> bsl(crowd, crowd)
        tensor(0.)
        >>> bsl(torch.full_like(crowd, 0.005), crowd) > 0.5
        tensor(True)
    """
    pred, target = per_pixel(pred, target, stride)
    pyramid = SSIMPyramid(scales, window_size, window_sigma, c1, c2, expansion, padding)
    structure = pyramid(pred, target)
    outside = outside_share(pred, target, background, threshold, EPS)
    return reduce(structure + background_weight * outside, reduction)


class BSL(LossModule):
    """Background-aware Structural Loss (BSL) as a module; see :func:`bsl`, whose keywords it takes.

    Works with any network that gives a density map: say the map's ``stride``.

    Examples:
        >>> import torch
        >>> pred = torch.rand(2, 1, 24, 32).requires_grad_()
        >>> loss = BSL(stride=8)(pred, torch.rand(2, 1, 24, 32))
        >>> loss.backward()
        >>> pred.grad.shape
        torch.Size([2, 1, 24, 32])
    """

    function = staticmethod(bsl)
    scales: int = 3
    window_size: int = 11
    window_sigma: float = 1.5
    c1: float = 0.01**2
    c2: float = 0.03**2
    expansion: float = 50.0
    threshold: float = 1e-5
    background_weight: float = 1.0
    padding: Padding = "valid"
    stride: int = 1
    reduction: Reduction = "mean"
