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
from crowdkit.losses.dm_count import DMCountLoss, dm_count
from crowdkit.losses.dms_ssim import DMSSSIMLoss, dms_ssim
from crowdkit.losses.dsnet import (
    DensityLevelConsistencyLoss,
    DSNetLoss,
    density_level_consistency,
    dsnet_loss,
)
from crowdkit.losses.generalized import GeneralizedLoss, generalized_loss
from crowdkit.losses.mse import DensityMSELoss, density_mse
from crowdkit.losses.mse_mae import MSEMAELoss, mse_mae
from crowdkit.losses.multi_scale_mae import MultiScaleMAELoss, multi_scale_mae
from crowdkit.losses.registry import create_loss, list_losses
from crowdkit.losses.relative_count import RelativeCountLoss, relative_count
from crowdkit.losses.sanet import SANetLoss, sanet_loss
from crowdkit.losses.spatial import (
    SpatialAbstractionLoss,
    SpatialCorrelationLoss,
    spatial_abstraction,
    spatial_correlation,
)
from crowdkit.losses.ssim import SSIMPyramidLoss, ssim_pyramid
from crowdkit.losses.tednet import TEDNetLoss, tednet_loss
from crowdkit.losses.weighted import WeightedSum
from crowdkit.losses.zero_inflated_poisson import ZeroInflatedPoissonLoss, zero_inflated_poisson

__all__ = [
    "BSL",
    "BackgroundRatioLoss",
    "BayesianLoss",
    "CFANetLoss",
    "DMCountLoss",
    "DMSSSIMLoss",
    "DSNetLoss",
    "DensityLevelConsistencyLoss",
    "DensityMSELoss",
    "GeneralizedLoss",
    "LevelCrossEntropy",
    "LossParts",
    "LossWeights",
    "MSEMAELoss",
    "MultiScaleMAELoss",
    "RegionCrossEntropy",
    "RelativeCountLoss",
    "SANetLoss",
    "SSIMPyramidLoss",
    "SpatialAbstractionLoss",
    "SpatialCorrelationLoss",
    "TEDNetLoss",
    "WeightedSum",
    "ZeroInflatedPoissonLoss",
    "background_ratio",
    "bayesian",
    "bsl",
    "create_loss",
    "density_level_consistency",
    "density_mse",
    "dm_count",
    "dms_ssim",
    "dsnet_loss",
    "generalized_loss",
    "level_cross_entropy",
    "list_losses",
    "mse_mae",
    "multi_scale_mae",
    "region_cross_entropy",
    "relative_count",
    "sanet_loss",
    "spatial_abstraction",
    "spatial_correlation",
    "ssim_pyramid",
    "tednet_loss",
    "zero_inflated_poisson",
]
