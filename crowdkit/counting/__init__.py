"""Count people in images of any size, whole or in tiles, and say where they are."""

from crowdkit import _guard as _guard
from crowdkit.counting._predict import Count, predict
from crowdkit.counting.density import ImageTooLargeError, predict_density as predict_density
from crowdkit.counting.explanation import Explanation, explain
from crowdkit.counting.loading import LoadedModel, open_model
from crowdkit.counting.places import METHODS as METHODS, Method as Method, count_zones, locate
from crowdkit.counting.reach import Reach, find_reach

__all__ = [
    "Count",
    "Explanation",
    "ImageTooLargeError",
    "LoadedModel",
    "Reach",
    "count_zones",
    "explain",
    "find_reach",
    "locate",
    "open_model",
    "predict",
]
