"""The loss of SANet: squared error, plus the consistency of local patterns."""

from torch import Tensor, nn

from crowdkit.errors import check_choice
from crowdkit.losses._maps import check_positive
from crowdkit.losses._reduction import Reduction, check_reduction, reduce
from crowdkit.losses.mse import density_mse_loss
from crowdkit.losses.ssim import check_ssim_arguments, ssim_pyramid_loss
from crowdkit.ops import Padding, check_stride


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
    check_positive(consistency_weight=consistency_weight)
    check_reduction(reduction)
    squares = density_mse_loss(pred, target, expansion=expansion, stride=stride, reduction="none")
    pattern = ssim_pyramid_loss(
        pred,
        target,
        levels=1,
        window_size=window_size,
        window_sigma=window_sigma,
        c1=c1,
        c2=c2,
        expansion=expansion,
        padding=padding,
        stride=stride,
        reduction="none",
    )
    return reduce(squares + consistency_weight * pattern, reduction)


class SANetLoss(nn.Module):
    """Loss of SANet as a module; see :func:`sanet_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> SANetLoss(expansion=100.0)(torch.ones(1, 1, 32, 32), torch.ones(1, 1, 32, 32))
        tensor(0.)
    """

    def __init__(
        self,
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
    ) -> None:
        super().__init__()
        check_positive(consistency_weight=consistency_weight)
        check_ssim_arguments(1, window_size, window_sigma, c1, c2, expansion)
        check_choice("padding", padding, ("valid", "same"))
        check_stride(stride)
        check_reduction(reduction)
        self.consistency_weight = consistency_weight
        self.window_size = window_size
        self.window_sigma = window_sigma
        self.c1 = c1
        self.c2 = c2
        self.expansion = expansion
        self.padding: Padding = padding
        self.stride = stride
        self.reduction: Reduction = reduction

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare two maps; see :func:`sanet_loss`."""
        return sanet_loss(
            pred,
            target,
            consistency_weight=self.consistency_weight,
            window_size=self.window_size,
            window_sigma=self.window_sigma,
            c1=self.c1,
            c2=self.c2,
            expansion=self.expansion,
            padding=self.padding,
            stride=self.stride,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return (
            f"consistency_weight={self.consistency_weight:g}, window_size={self.window_size}, "
            f"window_sigma={self.window_sigma}, c1={self.c1:g}, c2={self.c2:g}, "
            f"expansion={self.expansion:g}, padding={self.padding!r}, stride={self.stride}, "
            f"reduction={self.reduction!r}"
        )
