"""Density losses by name."""

from collections.abc import Mapping
from fnmatch import fnmatch
from types import MappingProxyType
from typing import Any

from torch import nn

from crowdkit.errors import check_choice, check_keywords
from crowdkit.losses.background import BackgroundRatioLoss
from crowdkit.losses.bayesian import BayesianLoss
from crowdkit.losses.bsl import BSL
from crowdkit.losses.dm_count import DMCountLoss
from crowdkit.losses.dms_ssim import DMSSSIMLoss
from crowdkit.losses.dsnet import DensityLevelConsistencyLoss, DSNetLoss
from crowdkit.losses.generalized import GeneralizedLoss
from crowdkit.losses.mse import DensityMSELoss
from crowdkit.losses.mse_mae import MSEMAELoss
from crowdkit.losses.multi_scale_mae import MultiScaleMAELoss
from crowdkit.losses.relative_count import RelativeCountLoss
from crowdkit.losses.sanet import SANetLoss
from crowdkit.losses.spatial import SpatialAbstractionLoss, SpatialCorrelationLoss
from crowdkit.losses.ssim import SSIMPyramidLoss
from crowdkit.losses.tednet import TEDNetLoss

_LOSSES: Mapping[str, type[nn.Module]] = MappingProxyType(
    {
        "background_ratio": BackgroundRatioLoss,
        "bayesian": BayesianLoss,
        "bsl": BSL,
        "density_level_consistency": DensityLevelConsistencyLoss,
        "dm_count": DMCountLoss,
        "dms_ssim": DMSSSIMLoss,
        "dsnet": DSNetLoss,
        "generalized": GeneralizedLoss,
        "mse": DensityMSELoss,
        "mse_mae": MSEMAELoss,
        "multi_scale_mae": MultiScaleMAELoss,
        "relative_count": RelativeCountLoss,
        "sanet": SANetLoss,
        "spatial_abstraction": SpatialAbstractionLoss,
        "spatial_correlation": SpatialCorrelationLoss,
        "ssim_pyramid": SSIMPyramidLoss,
        "tednet": TEDNetLoss,
    }
)


def list_losses(pattern: str = "*") -> list[str]:
    """Names that :func:`create_loss` knows.

    Args:
        pattern: A shell pattern, for example ``"*ssim*"``.

    Returns:
        The names that match, sorted.

    Examples:
        >>> list_losses("bs*")
        ['bsl']
    """
    return sorted(name for name in _LOSSES if fnmatch(name, pattern))


def create_loss(name: str, **config: Any) -> nn.Module:
    """Make a density loss by name.

    Args:
        name: One of :func:`list_losses`.
        **config: The loss's own keywords; one it does not have is an error.

    Returns:
        ``loss(pred, target)``; one whose ``needs_points`` is true takes ``points=`` too.

    Raises:
        UnknownNameError: If there is no such loss, or the loss has no such keyword.

    Examples:
        >>> create_loss("mse", stride=8).stride
        8
    """
    check_choice("loss", name, _LOSSES)
    check_keywords(f"keyword of {name}", config, _LOSSES[name])
    return _LOSSES[name](**config)
