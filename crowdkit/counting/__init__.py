"""From pictures to figures: video, zones over time, and the ground under a crowd."""

from crowdkit import _guard as _guard
from crowdkit.counting.crowding import DensityLimit, density_limits, fruin_level, limits_over
from crowdkit.counting.ground import Ground
from crowdkit.counting.ground_file import read_ground
from crowdkit.counting.squares import SquareMeters, Worst

__all__ = [
    "DensityLimit",
    "Ground",
    "SquareMeters",
    "Worst",
    "density_limits",
    "fruin_level",
    "limits_over",
    "read_ground",
]
