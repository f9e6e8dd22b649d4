"""Quality of the density map: SSIM and PSNR, following a named protocol."""

from typing import Any, Literal

import torch
from torch import Tensor

from crowdkit.errors import ShapeError, check_choice
from crowdkit.metrics._mean import MeanOverImages, mean_of_kept
from crowdkit.ops import SeparableFilter, check_pair, gaussian_window

Protocol = Literal["marunet"]
SSIM_WINDOW = 11
_C1, _C2 = 0.01**2, 0.03**2
_BAND = 2**16  # Cells that are compared at once, so that their maps stay in a CPU's cache.


def density_ssim(pred: Tensor, target: Tensor, *, protocol: Protocol = "marunet") -> Tensor:
    r"""Mean structural similarity (SSIM) of density maps.

    The protocol ``"marunet"`` is the one of CFANet's first author: both maps are divided by the larger of their two
    maxima, image by image, and compared at full resolution under a Gaussian window of 11 cells and sigma 1.5 with
    :math:`C_1 = 10^{-4}`, :math:`C_2 = 9 \cdot 10^{-4}`, where the window fits. An image whose maps have no positive
    value has no scale and is left out.

    Args:
        pred: Estimated maps, shape :math:`(B, 1, h, w)` with sides of at least 11.
        target: True maps, same shape.
        protocol: ``"marunet"``.

    Returns:
        A float64 scalar; NaN if every image is left out.

    Raises:
        ShapeError: If the shapes differ, are not :math:`(B, 1, h, w)`, or are smaller than the window.
        DTypeError: If a map is not floating point.
        UnknownNameError: If the protocol is not known.

    References:
        Rong and Li. *CFANet*. WACV 2021, table 5; the protocol is that of the first author's repository
        ``rongliangzi/MARUNet``.

    Examples:
        >>> import torch
        >>> crowd = torch.rand(1, 1, 16, 16)
        >>> density_ssim(crowd, crowd)
        tensor(1., dtype=torch.float64)
    """
    return mean_of_kept(*_ssim(pred, target, protocol))


def density_psnr(pred: Tensor, target: Tensor, *, protocol: Protocol = "marunet") -> Tensor:
    r"""Mean peak signal-to-noise ratio (PSNR) of density maps, in decibels.

    .. math:: PSNR = 10 \log_{10} \frac1{MSE}

    of maps that are divided by the larger of their two maxima, image by image: the protocol ``"marunet"`` of CFANet's
    first author, intended for full resolution. An image whose maps have no positive value has no scale and is left
    out; equal maps give infinity.

    Args:
        pred: Estimated maps, shape :math:`(B, 1, h, w)`.
        target: True maps, same shape.
        protocol: ``"marunet"``.

    Returns:
        A float64 scalar; NaN if every image is left out.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        UnknownNameError: If the protocol is not known.

    References:
        Rong and Li. *CFANet*. WACV 2021, table 5; the protocol is that of the first author's repository
        ``rongliangzi/MARUNet``.

    Examples:
        >>> import torch
        >>> density_psnr(torch.full((1, 1, 4, 4), 0.9), torch.ones(1, 1, 4, 4))
        tensor(20.0000, dtype=torch.float64)
    """
    return mean_of_kept(*_psnr(pred, target, protocol))


def _scaled(pred: Tensor, target: Tensor, protocol: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return both maps in one type of at least float32, the larger maximum of each image, and whether it is > 0."""
    check_choice("protocol", protocol, ("marunet",))
    check_pair(pred, target)
    wide = torch.promote_types(torch.promote_types(pred.dtype, target.dtype), torch.float32)
    pred, target = pred.detach().to(wide), target.detach().to(wide)
    peak = torch.maximum(pred.amax(dim=(1, 2, 3)), target.amax(dim=(1, 2, 3)))
    scaled = peak > 0
    return pred, target, peak.where(scaled, 1), scaled


def _ssim(pred: Tensor, target: Tensor, protocol: str) -> tuple[Tensor, Tensor]:
    pred, target, peak, scaled = _scaled(pred, target, protocol)
    if min(pred.shape[-2:]) < SSIM_WINDOW:
        raise ShapeError(
            f"pred: expected sides of at least {SSIM_WINDOW} cells, the window of SSIM, got "
            f"{tuple(pred.shape[-2:])}; the protocol compares maps at full resolution"
        )
    rows, columns = (side - SSIM_WINDOW + 1 for side in pred.shape[-2:])
    window = SeparableFilter(gaussian_window(SSIM_WINDOW, 1.5))
    band = max(SSIM_WINDOW, _BAND // pred.shape[-1]) if pred.device.type == "cpu" else rows
    values = torch.zeros(len(pred), dtype=torch.float64, device=pred.device)
    for image in range(len(pred)):
        for top in range(0, rows, band):
            # The rows that the windows of this band see.
            part = slice(top, min(top + band, rows) + SSIM_WINDOW - 1)
            x, y = (each[image, :, part] / peak[image] for each in (pred, target))
            values[image] += _structure(x, y, window).sum(dtype=torch.float64)
    return values / (rows * columns), scaled


def _structure(x: Tensor, y: Tensor, window: SeparableFilter) -> Tensor:
    """SSIM of maps (1, h, w) scaled to 1, where the window fits: (1, h', w').

    With d = x - y, s = x + y, and E and Var under the window, SSIM = (1 - 2 a)(1 - 2 b) where
    a = (E d)^2 / ((E d)^2 + (E s)^2 + 2 C1) and b = Var d / (Var d + Var s + 2 C2): four filtered maps, not five,
    and exactly 1 for equal maps.
    """
    d, s = x - y, x + y
    mean_d, mean_s, var_d, var_s = window(torch.stack((d, s, d * d, s * s))).unbind()
    mean_d, mean_s = mean_d.square_(), mean_s.square_()
    var_d.sub_(mean_d).clamp_(min=0)
    var_s.sub_(mean_s).clamp_(min=0)
    a = mean_d.div_(mean_s.add_(mean_d).add_(2 * _C1))
    b = var_d.div_(var_s.add_(var_d).add_(2 * _C2))
    return a.mul_(-2).add_(1).mul_(b.mul_(-2).add_(1))


def _psnr(pred: Tensor, target: Tensor, protocol: str) -> tuple[Tensor, Tensor]:
    pred, target, peak, scaled = _scaled(pred, target, protocol)
    error = (pred - target).square_().sum(dim=(1, 2, 3), dtype=torch.float64) / pred[0].numel()
    return 10 * (peak.double().square() / error).log10(), scaled


class DensitySSIM(MeanOverImages):
    """Mean SSIM of density maps over a data set; see :func:`density_ssim`.

    Args:
        protocol: ``"marunet"``, shown in ``repr``: a figure is meaningless without it.
        options: Options of :class:`torchmetrics.Metric`.

    Examples:
        >>> import torch
        >>> metric = DensitySSIM()
        >>> metric
        DensitySSIM(protocol='marunet')
        >>> crowd = torch.rand(1, 1, 16, 16)
        >>> metric.update(crowd, crowd)
        >>> metric.compute()
        tensor(1., dtype=torch.float64)
    """

    higher_is_better = True

    def __init__(self, *, protocol: Protocol = "marunet", **options: Any) -> None:
        super().__init__(**options)
        check_choice("protocol", protocol, ("marunet",))
        self.protocol = protocol

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add a batch of maps, shape :math:`(B, 1, h, w)`."""
        self.add(*_ssim(pred, target, self.protocol))

    def extra_repr(self) -> str:
        """Return the protocol for ``repr``."""
        return f"protocol={self.protocol!r}"


class DensityPSNR(MeanOverImages):
    """Mean PSNR of density maps over a data set, in decibels; see :func:`density_psnr`.

    Args:
        protocol: ``"marunet"``, shown in ``repr``: a figure is meaningless without it.
        options: Options of :class:`torchmetrics.Metric`.

    Examples:
        >>> import torch
        >>> metric = DensityPSNR()
        >>> metric.update(torch.full((1, 1, 4, 4), 0.9), torch.ones(1, 1, 4, 4))
        >>> metric.compute()
        tensor(20.0000, dtype=torch.float64)
    """

    higher_is_better = True

    def __init__(self, *, protocol: Protocol = "marunet", **options: Any) -> None:
        super().__init__(**options)
        check_choice("protocol", protocol, ("marunet",))
        self.protocol = protocol

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add a batch of maps, shape :math:`(B, 1, h, w)`."""
        self.add(*_psnr(pred, target, self.protocol))

    def extra_repr(self) -> str:
        """Return the protocol for ``repr``."""
        return f"protocol={self.protocol!r}"
