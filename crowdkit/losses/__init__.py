"""Losses: each a function ``loss(pred, target, *, ...)`` and a module with the same keywords.

Maps are in people per cell; ``stride`` says what a cell is. ``reduction`` is over per-image values.
"""

from crowdkit import _guard as _guard
from crowdkit.losses.attention import (
    LevelCrossEntropy,
    RegionCrossEntropy,
    level_cross_entropy,
    region_cross_entropy,
)
from crowdkit.losses.background import BackgroundRatioLoss, background_ratio
from crowdkit.losses.bayesian import BayesianLoss, bayesian
from crowdkit.losses.bsl import BSL, bsl
from crowdkit.losses.cfanet import CFANetLoss, LossParts, LossWeights
from crowdkit.losses.mse import DensityMSELoss, density_mse
from crowdkit.losses.registry import create_loss, list_losses
from crowdkit.losses.ssim import SSIMPyramidLoss, ssim_pyramid

__all__ = [
    "BSL",
    "BackgroundRatioLoss",
    "BayesianLoss",
    "CFANetLoss",
    "DensityMSELoss",
    "LevelCrossEntropy",
    "LossParts",
    "LossWeights",
    "RegionCrossEntropy",
    "SSIMPyramidLoss",
    "background_ratio",
    "bayesian",
    "bsl",
    "create_loss",
    "density_mse",
    "level_cross_entropy",
    "list_losses",
    "region_cross_entropy",
    "ssim_pyramid",
]
