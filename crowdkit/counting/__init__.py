"""From pictures to figures: video, zones over time, and the ground under a crowd."""

from crowdkit import _guard as _guard
from crowdkit.counting.crowding import DensityLimit, density_limits, fruin_level, limits_over
from crowdkit.counting.durations import parse_duration
from crowdkit.counting.ground import Ground
from crowdkit.counting.ground_file import read_ground
from crowdkit.counting.squares import SquareMeters, Worst
from crowdkit.counting.video import Frame, LiveVideo, Video, VideoFile, VideoWriter, open_video

__all__ = [
    "DensityLimit",
    "Frame",
    "Ground",
    "LiveVideo",
    "SquareMeters",
    "Video",
    "VideoFile",
    "VideoWriter",
    "Worst",
    "density_limits",
    "fruin_level",
    "limits_over",
    "open_video",
    "parse_duration",
    "read_ground",
]
