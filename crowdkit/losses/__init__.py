"""Losses: each a function ``loss(pred, target, *, ...)`` and a module with the same keywords.

Maps are in people per cell; ``stride`` says what a cell is. ``reduction`` is over per-image values.
"""

from crowdkit import _guard as _guard
from crowdkit.losses._bsl import BSL, bsl
from crowdkit.losses._module import LossModule
from crowdkit.losses.attention import (
    LevelCrossEntropy,
    RegionCrossEntropy,
    level_cross_entropy,
    region_cross_entropy,
)
from crowdkit.losses.background import BackgroundRatioLoss, background_ratio_loss
from crowdkit.losses.bayesian import BayesianLoss, bayesian_loss
from crowdkit.losses.cfanet import CFANetLoss, LossParts, LossWeights
from crowdkit.losses.dm_count import DMCountLoss, dm_count_loss
from crowdkit.losses.dms_ssim import DMSSSIMLoss, dms_ssim_loss
from crowdkit.losses.dsnet import (
    DensityLevelConsistencyLoss,
    DSNetLoss,
    density_level_consistency_loss,
    dsnet_loss,
)
from crowdkit.losses.generalized import GeneralizedLoss, generalized_loss
from crowdkit.losses.graduated_bsl import GraduatedBSL, graduated_bsl
from crowdkit.losses.mse import DensityMSELoss, density_mse_loss
from crowdkit.losses.mse_mae import MSEMAELoss, mse_mae_loss
from crowdkit.losses.multi_scale_mae import MultiScaleMAELoss, multi_scale_mae_loss
from crowdkit.losses.registry import create_loss, list_losses
from crowdkit.losses.relative_count import RelativeCountLoss, relative_count_loss
from crowdkit.losses.sanet import SANetLoss, sanet_loss
from crowdkit.losses.spatial import (
    SpatialAbstractionLoss,
    SpatialCorrelationLoss,
    spatial_abstraction_loss,
    spatial_correlation_loss,
)
from crowdkit.losses.ssim import SSIMPyramidLoss, ssim_pyramid_loss
from crowdkit.losses.tednet import TEDNetLoss, tednet_loss
from crowdkit.losses.weighted import WeightedSum
from crowdkit.losses.zero_inflated_poisson import ZeroInflatedPoissonLoss, zero_inflated_poisson_loss

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
    "GraduatedBSL",
    "LevelCrossEntropy",
    "LossModule",
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
    "background_ratio_loss",
    "bayesian_loss",
    "bsl",
    "create_loss",
    "density_level_consistency_loss",
    "density_mse_loss",
    "dm_count_loss",
    "dms_ssim_loss",
    "dsnet_loss",
    "generalized_loss",
    "graduated_bsl",
    "level_cross_entropy",
    "list_losses",
    "mse_mae_loss",
    "multi_scale_mae_loss",
    "region_cross_entropy",
    "relative_count_loss",
    "sanet_loss",
    "spatial_abstraction_loss",
    "spatial_correlation_loss",
    "ssim_pyramid_loss",
    "tednet_loss",
    "zero_inflated_poisson_loss",
]
