"""Metrics: torchmetrics classes that accumulate over a data set and across processes, and functions.

Metrics of maps and counts average over images, those of points over people: the batches they came in make no
difference.
"""

from crowdkit import _guard as _guard
from crowdkit.metrics.background import BackgroundRatio, background_share
from crowdkit.metrics.count import CountMAE, CountNAE, CountRMSE, count_mae, count_nae, count_rmse
from crowdkit.metrics.flows import MIAE, MOAE, miae, moae
from crowdkit.metrics.game import GAME, game
from crowdkit.metrics.localisation import (
    LocalisationF1,
    LocalisationPrecision,
    LocalisationRecall,
    localisation_f1,
    localisation_precision,
    localisation_recall,
)
from crowdkit.metrics.quality import DensityPSNR, DensitySSIM, density_psnr, density_ssim
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
    "LocalisationF1",
    "LocalisationPrecision",
    "LocalisationRecall",
    "TemporalMAE",
    "background_share",
    "count_mae",
    "count_nae",
    "count_rmse",
    "density_psnr",
    "density_ssim",
    "flicker",
    "game",
    "localisation_f1",
    "localisation_precision",
    "localisation_recall",
    "miae",
    "moae",
    "temporal_mae",
]
