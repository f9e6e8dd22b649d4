"""Metrics: torchmetrics classes that accumulate over a data set and across processes, and functions.

Every metric averages over images, so that the batches they came in make no difference.
"""

from crowdkit import _guard as _guard
from crowdkit.metrics.background import BackgroundRatio, background_share
from crowdkit.metrics.count import CountMAE, CountNAE, CountRMSE, count_mae, count_nae, count_rmse
from crowdkit.metrics.game import GAME, game
from crowdkit.metrics.quality import DensityPSNR, DensitySSIM, density_psnr, density_ssim

__all__ = [
    "GAME",
    "BackgroundRatio",
    "CountMAE",
    "CountNAE",
    "CountRMSE",
    "DensityPSNR",
    "DensitySSIM",
    "background_share",
    "count_mae",
    "count_nae",
    "count_rmse",
    "density_psnr",
    "density_ssim",
    "game",
]
