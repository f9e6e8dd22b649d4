"""From pictures to figures: video, zones over time, and the ground under a crowd."""

from crowdkit import _guard as _guard
from crowdkit.counting.alerts import Alert, AlertEvent
from crowdkit.counting.crowding import DensityLimit, density_limits, fruin_level, limits_over
from crowdkit.counting.durations import parse_duration
from crowdkit.counting.ground import Ground
from crowdkit.counting.ground_file import read_ground
from crowdkit.counting.series import CountStatistics, ZoneCounter
from crowdkit.counting.smoothing import Smoother, smooth
from crowdkit.counting.squares import SquareMeters, Worst
from crowdkit.counting.video import (
    AnnotatedVideo,
    Frame,
    LiveVideo,
    Video,
    VideoFile,
    VideoWriter,
    open_video,
)

__all__ = [
    "Alert",
    "AlertEvent",
    "AnnotatedVideo",
    "CountStatistics",
    "DensityLimit",
    "Frame",
    "Ground",
    "LiveVideo",
    "Smoother",
    "SquareMeters",
    "Video",
    "VideoFile",
    "VideoWriter",
    "Worst",
    "ZoneCounter",
    "density_limits",
    "fruin_level",
    "limits_over",
    "open_video",
    "parse_duration",
    "read_ground",
    "smooth",
]
