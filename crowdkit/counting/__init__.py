"""Count people in images of any size and in video, and say where they are, in zones, over time and on the ground."""

from crowdkit import _guard as _guard
from crowdkit.counting.alerts import Alert, AlertEvent
from crowdkit.counting.counter import Counter, predict
from crowdkit.counting.crowding import DensityLimit, density_limits, fruin_level, limits_over
from crowdkit.counting.density import (
    ImageTooLargeError,
    eval_copy as eval_copy,
    predict_density as predict_density,
)
from crowdkit.counting.durations import parse_duration
from crowdkit.counting.explanation import Explanation, explain
from crowdkit.counting.ground import Ground
from crowdkit.counting.ground_file import read_ground
from crowdkit.counting.loading import LoadedModel, open_model
from crowdkit.counting.places import METHODS as METHODS, Method as Method, count_zones, locate
from crowdkit.counting.reach import Reach, find_reach
from crowdkit.counting.result import Count, Unreadable
from crowdkit.counting.series import CountStatistics, ZoneCounter
from crowdkit.counting.smoothing import Smoother, smooth
from crowdkit.counting.sources import list_sources
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
    "Count",
    "CountStatistics",
    "Counter",
    "DensityLimit",
    "Explanation",
    "Frame",
    "Ground",
    "ImageTooLargeError",
    "LiveVideo",
    "LoadedModel",
    "Reach",
    "Smoother",
    "SquareMeters",
    "Unreadable",
    "Video",
    "VideoFile",
    "VideoWriter",
    "Worst",
    "ZoneCounter",
    "count_zones",
    "density_limits",
    "explain",
    "find_reach",
    "fruin_level",
    "limits_over",
    "list_sources",
    "locate",
    "open_model",
    "open_video",
    "parse_duration",
    "predict",
    "read_ground",
    "smooth",
]
