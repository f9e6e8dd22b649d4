"""Metrics: torchmetrics classes that accumulate over a data set and across processes, and functions.

Metrics of maps and counts average over images, those of points over people: the division into batches makes no
difference.
"""

from crowdkit import _guard as _guard
from crowdkit.metrics._localization import Localization, LocalizationScores, localization
from crowdkit.metrics.background import BackgroundRatio, background_share
from crowdkit.metrics.count import CountMAE, CountNAE, CountRMSE, count_mae, count_nae, count_rmse
from crowdkit.metrics.flows import MIAE, MOAE, miae, moae
from crowdkit.metrics.game import GAME, game
from crowdkit.metrics.quality import (
    SSIM_WINDOW as SSIM_WINDOW,
    DensityPSNR,
    DensitySSIM,
    density_psnr,
    density_ssim,
)
from crowdkit.metrics.video import Flicker, TemporalMAE, flicker, temporal_mae

__all__ = [
    "GAME",
    "MIAE",
    "MOAE",
    "BackgroundRatio",
    "CountMAE",
    "CountNAE",
    "CountRMSE",
    "DensityPSNR",
    "DensitySSIM",
    "Flicker",
    "Localization",
    "LocalizationScores",
    "TemporalMAE",
    "background_share",
    "count_mae",
    "count_nae",
    "count_rmse",
    "density_psnr",
    "density_ssim",
    "flicker",
    "game",
    "localization",
    "miae",
    "moae",
    "temporal_mae",
]
