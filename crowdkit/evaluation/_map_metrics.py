"""Estimated maps beside the true ones: GAME, SSIM, PSNR, background. It imports torchmetrics."""

from math import nan

import torch
from torch import Tensor

from crowdkit.data import Sample, roi_map, roi_truth
from crowdkit.metrics import GAME, SSIM_WINDOW, BackgroundRatio, DensityPSNR, DensitySSIM
from crowdkit.ops import upsample
from crowdkit.targets import SigmaRule

_QUALITY = ("ssim", "psnr")
_PROTOCOL = (
    "map metrics per image on maps divided by the larger of their two maxima, SSIM window 11, C 1e-4 and 9e-4"
)


class MapMetrics:
    """Compares estimated maps with the true ones, image by image.

    Args:
        rule: The rule for sigma.
        stride: Side of a cell in pixels.
        full_resolution: Take SSIM and PSNR at the images' own size.
        device: Where to compute.
    """

    def __init__(self, *, rule: SigmaRule, stride: int, full_resolution: bool, device: torch.device) -> None:
        self.rule = rule
        self.stride = stride
        self.full_resolution = full_resolution
        self.metrics = {
            "game1": GAME(1),
            "game2": GAME(2),
            "game3": GAME(3),
            "ssim": DensitySSIM(),
            "psnr": DensityPSNR(),
            "background_ratio": BackgroundRatio(stride=stride),
        }
        for metric in self.metrics.values():
            metric.to(device)

    @property
    def protocol(self) -> str:
        """How the figures are taken."""
        return _PROTOCOL + (", at full resolution" if self.full_resolution else "")

    def update(self, whole: Tensor, density: Tensor, sample: Sample) -> None:
        """Take in one image.

        Args:
            whole: Its estimate, shape :math:`(1, 1, h, w)`.
            density: The part of it that counts.
            sample: Its sample, with the heads that count.
        """
        if self.full_resolution and sample.sigma is None:  # two true maps, one look for neighbors
            height, width = (int(side) for side in sample.image.shape[-2:])
            sample = sample._replace(sigma=self.rule(sample.points, (height, width)))
        pair = density, roi_truth(sample, self.rule, self.stride).to(density.device)
        fine = self._enlarged(whole, sample) if self.full_resolution else pair
        for name, metric in self.metrics.items():
            if name == "ssim" and min(fine[0].shape[-2:]) < SSIM_WINDOW:
                continue
            metric.update(*(fine if name in _QUALITY else pair))

    def results(self) -> dict[str, float]:
        """Return the figures of all processes by name; NaN for what no image has."""
        return {
            name: float(metric.compute()) if metric.update_called else nan
            for name, metric in self.metrics.items()
        }

    def _enlarged(self, whole: Tensor, sample: Sample) -> tuple[Tensor, Tensor]:
        height, width = sample.image.shape[-2:]
        fine = upsample(whole, self.stride)[..., :height, :width] / self.stride**2
        return roi_map(fine, sample, 1), roi_truth(sample, self.rule, 1).to(whole.device)
