"""BSL that begins soft and ends sharp: it trains networks that BSL by itself silences."""

from torch import Tensor

from crowdkit.errors import ArgumentError
from crowdkit.losses._maps import per_pixel
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, not_negative, positive
from crowdkit.losses._ssim_pyramid import CHECKS, SSIMPyramid
from crowdkit.losses.background import EPS, outside_share
from crowdkit.ops import Padding

# Mean density of the crowd's cells after the expansion. ShanghaiTech A, for which the paper's constants and its factor
# of 50 were chosen, has 0.094 (full resolution, adaptive sigmas).
_CROWD = 0.1


def _at_least_one(name: str, value: float) -> None:
    if not 1 <= value < float("inf"):
        raise ArgumentError(f"{name}: expected a finite number >= 1, got {value!r}; 1 is BSL from the start")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ArgumentError(
            f"{name}: expected a share of the training in [0, 1], got {value!r}; pass step / steps"
        )


@checked(
    progress=_share,
    density=positive,
    softness=_at_least_one,
    until=positive,
    count_weight=not_negative,
    count_floor=positive,
    threshold=positive,
    background_weight=not_negative,
    **{name: check for name, check in CHECKS.items() if name != "expansion"},
)
def graduated_bsl(
    pred: Tensor,
    target: Tensor,
    *,
    progress: float,
    background: Tensor | None = None,
    density: float = 0.002,
    softness: float = 1000.0,
    until: float = 0.7,
    count_weight: float = 1.0,
    count_floor: float = 0.3,
    scales: int = 5,
    window_size: int = 11,
    window_sigma: float = 1.5,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    threshold: float = 1e-5,
    background_weight: float = 1.0,
    padding: Padding = "valid",
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Graduated Background-aware Structural Loss: squared errors at first, BSL in the end.

    .. math:: \ell = SL(k C_1, k C_2) + \frac{w \, BL + w_c \, |\hat c - c| / \max(c, f \rho A)}{k}, \quad
        k = K^{\max(0, \, 1 - t / T)}

    with :math:`t` the ``progress``, :math:`T` = ``until``, :math:`K` the ``softness``, :math:`\hat c, c` the counts,
    :math:`\rho` the ``density`` and :math:`A` the image's pixels. With the paper's constants
    from the start, SL and BL reward silence where a network is not yet sure that somebody is there, and a network from
    random weights may never say anything again. With large constants SL is a squared error, which looks for the mean.
    The constants come down geometrically; BL and the count, which know no constants, come up as SL grows.

    The maps are expanded so that the crowd's cells have a mean of 0.1, so ``c1``, ``c2`` and ``softness`` mean the
    same for any data set, stride and sigma. From ``until`` on this is :func:`bsl` with ``scales`` and
    ``expansion=0.1 / density``, plus the count: for the default ``density`` the paper's factor of 50.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        progress: Share of the training done, 0 to 1.
        background: Boolean map of the background, same shape; from ``target`` when ``None``.
        density: Mean density of the crowd's cells in people per full-resolution pixel, measured once over the
            training set: ``DensityScale.fit(maps, stride=stride).crowd`` of :class:`crowdkit.targets.DensityScale`.
        softness: How many times as large the constants are at the start, :math:`K`; 1 for no graduation.
        until: Share of the training after which the constants stay, :math:`T`.
        count_weight: Weight of the relative error of the count, :math:`w_c`; 0 for none.
        count_floor: Share of the image that the crowd would cover, at ``density``, below which that error is no
            longer relative, :math:`f`: else images of few people rule.
        scales: Scales of SL's pyramid; the coarse ones see somebody before the fine ones know where.
        window_size: Side of SSIM's Gaussian window, in cells; odd.
        window_sigma: Standard deviation of the window, in cells.
        c1: SSIM's constant of the luminance term in the end, :math:`C_1`.
        c2: SSIM's constant of the structure term in the end, :math:`C_2`.
        threshold: People per full-resolution pixel below which a cell is background.
        background_weight: Weight of BL in the end, :math:`w`.
        padding: ``"valid"``, or ``"same"`` as the paper's authors do.
        stride: Full-resolution pixels along a cell's side. Maps are divided by its square first.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if either map is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point, or ``background`` not boolean.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``padding`` or ``reduction`` is not a known word.

    References:
        BSL is of Rong and Li, WACV 2021 (see :func:`bsl`). Its graduation is this library's, named after graduated
        non-convexity: Blake and Zisserman. *Visual Reconstruction*. 1987.

    Examples:
        >>> import torch
        >>> crowd = torch.zeros(1, 1, 32, 32)
        >>> crowd[..., 16:] = 0.002
        >>> [round(graduated_bsl(0 * crowd, crowd, progress=t).item(), 4) for t in (0.0, 0.35, 0.7)]
        [0.0374, 0.4558, 1.7896]
    """
    softened = softness ** max(0.0, 1 - progress / until)
    pred, target = per_pixel(pred, target, stride)
    pyramid = SSIMPyramid(
        scales, window_size, window_sigma, softened * c1, softened * c2, _CROWD / density, padding
    )
    people = target.mean(dim=(1, 2, 3))
    error = (pred.mean(dim=(1, 2, 3)) - people).abs() / people.clamp(min=count_floor * density)
    outside = outside_share(pred, target, background, threshold, EPS)
    graduated = (background_weight * outside + count_weight * error) / softened
    return reduce(pyramid(pred, target) + graduated, reduction)


class GraduatedBSL(LossModule):
    """Graduated BSL as a module; see :func:`graduated_bsl`, whose keywords it takes.

    The loss to begin with for a network of your own: it trains from random weights where :class:`BSL` may silence it.

    Examples:
        >>> import torch
        >>> pred = torch.rand(2, 1, 24, 32).requires_grad_()
        >>> loss_of = GraduatedBSL(stride=8, density=0.002)
        >>> for step in range(3):
        ...     loss = loss_of(pred, torch.rand(2, 1, 24, 32), progress=step / 3)
    """

    function = staticmethod(graduated_bsl)
    density: float = 0.002
    softness: float = 1000.0
    until: float = 0.7
    count_weight: float = 1.0
    count_floor: float = 0.3
    scales: int = 5
    window_size: int = 11
    window_sigma: float = 1.5
    c1: float = 0.01**2
    c2: float = 0.03**2
    threshold: float = 1e-5
    background_weight: float = 1.0
    padding: Padding = "valid"
    stride: int = 1
    reduction: Reduction = "mean"
