"""Training targets from heads: density maps, crowd regions and density levels."""

from crowdkit import _guard as _guard
from crowdkit.targets.density import density_map, density_maps
from crowdkit.targets.levels import DensityLevels, PerImageDensityLevels
from crowdkit.targets.region import crowd_region
from crowdkit.targets.scale import DensityScale
from crowdkit.targets.sigma import SigmaRule, adaptive_sigma, box_sigma, list_sigma_rules, sigma_rule

__all__ = [
    "DensityLevels",
    "DensityScale",
    "PerImageDensityLevels",
    "SigmaRule",
    "adaptive_sigma",
    "box_sigma",
    "crowd_region",
    "density_map",
    "density_maps",
    "list_sigma_rules",
    "sigma_rule",
]
