"""Quality of the density map: SSIM and PSNR, following a named protocol."""

from typing import Any, Literal

import torch
from pytorch_msssim.ssim import ssim
from torch import Tensor

from crowdkit.errors import ShapeError, check_choice
from crowdkit.metrics._mean import MeanOverImages, mean_of_kept
from crowdkit.ops import check_pair

Protocol = Literal["marunet"]
SSIM_WINDOW = 11


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


def _normalized(pred: Tensor, target: Tensor, protocol: str) -> tuple[Tensor, Tensor, Tensor]:
    check_choice("protocol", protocol, ("marunet",))
    check_pair(pred, target)
    pred, target = pred.double(), target.double()
    peak = torch.maximum(pred.amax(dim=(1, 2, 3)), target.amax(dim=(1, 2, 3)))
    scaled = peak > 0
    divisor = peak.where(scaled, 1)[:, None, None, None]
    return pred / divisor, target / divisor, scaled


def _ssim(pred: Tensor, target: Tensor, protocol: str) -> tuple[Tensor, Tensor]:
    pred, target, scaled = _normalized(pred, target, protocol)
    if min(pred.shape[-2:]) < SSIM_WINDOW:
        raise ShapeError(
            f"pred: expected sides of at least {SSIM_WINDOW} cells, the window of SSIM, got "
            f"{tuple(pred.shape[-2:])}; the protocol compares maps at full resolution"
        )
    with torch.autocast(pred.device.type, enabled=False):
        # After scaling to 1, float32 is precise enough, and convolutions are several times faster in it.
        values = ssim(
            pred.float(),
            target.float(),
            data_range=1.0,
            size_average=False,
            win_size=SSIM_WINDOW,
            win_sigma=1.5,
        )
    return values, scaled


def _psnr(pred: Tensor, target: Tensor, protocol: str) -> tuple[Tensor, Tensor]:
    pred, target, scaled = _normalized(pred, target, protocol)
    return -10 * (pred - target).square().mean(dim=(1, 2, 3)).log10(), scaled


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
