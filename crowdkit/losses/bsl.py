"""Background-aware Structural Loss, the paper's density loss."""

from math import isfinite

from torch import Tensor, nn

from crowdkit.errors import ArgumentError, check_choice
from crowdkit.losses._maps import check_positive
from crowdkit.losses._reduction import Reduction, check_reduction, reduce
from crowdkit.losses.background import background_ratio_loss
from crowdkit.losses.ssim import check_ssim_arguments, ssim_pyramid_loss
from crowdkit.ops import Padding, check_stride


def bsl(
    pred: Tensor,
    target: Tensor,
    *,
    background: Tensor | None = None,
    levels: int = 3,
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
        levels: Levels of SL's pyramid.
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
    _check_weight(background_weight)
    structure = ssim_pyramid_loss(
        pred,
        target,
        levels=levels,
        window_size=window_size,
        window_sigma=window_sigma,
        c1=c1,
        c2=c2,
        expansion=expansion,
        padding=padding,
        stride=stride,
        reduction="none",
    )
    outside = background_ratio_loss(
        pred, target, background=background, threshold=threshold, stride=stride, reduction="none"
    )
    return reduce(structure + background_weight * outside, reduction)


def _check_weight(weight: float) -> None:
    if not (isfinite(weight) and weight >= 0):
        raise ArgumentError(f"background_weight: expected a finite number >= 0, got {weight!r}")


class BSL(nn.Module):
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

    def __init__(
        self,
        *,
        levels: int = 3,
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
    ) -> None:
        super().__init__()
        _check_weight(background_weight)
        check_ssim_arguments(levels, window_size, window_sigma, c1, c2, expansion)
        check_choice("padding", padding, ("valid", "same"))
        check_positive(threshold=threshold)
        check_stride(stride)
        check_reduction(reduction)
        self.levels = levels
        self.window_size = window_size
        self.window_sigma = window_sigma
        self.c1 = c1
        self.c2 = c2
        self.expansion = expansion
        self.threshold = threshold
        self.background_weight = background_weight
        self.padding: Padding = padding
        self.stride = stride
        self.reduction: Reduction = reduction

    def forward(self, pred: Tensor, target: Tensor, *, background: Tensor | None = None) -> Tensor:
        """Compare two maps; see :func:`bsl`."""
        return bsl(
            pred,
            target,
            background=background,
            levels=self.levels,
            window_size=self.window_size,
            window_sigma=self.window_sigma,
            c1=self.c1,
            c2=self.c2,
            expansion=self.expansion,
            threshold=self.threshold,
            background_weight=self.background_weight,
            padding=self.padding,
            stride=self.stride,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return (
            f"levels={self.levels}, window_size={self.window_size}, window_sigma={self.window_sigma}, "
            f"c1={self.c1:g}, c2={self.c2:g}, expansion={self.expansion:g}, threshold={self.threshold:g}, "
            f"background_weight={self.background_weight:g}, padding={self.padding!r}, stride={self.stride}, "
            f"reduction={self.reduction!r}"
        )
