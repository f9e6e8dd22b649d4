"""Count people in images of any size, whole or in tiles, and say where they are."""

from crowdkit import _guard as _guard
from crowdkit.counting.counter import Counter, predict
from crowdkit.counting.density import (
    ImageTooLargeError,
    eval_copy as eval_copy,
    predict_density as predict_density,
)
from crowdkit.counting.explanation import Explanation, explain
from crowdkit.counting.loading import LoadedModel, open_model
from crowdkit.counting.places import METHODS as METHODS, Method as Method, count_zones, locate
from crowdkit.counting.reach import Reach, find_reach
from crowdkit.counting.result import Count, Unreadable
from crowdkit.counting.sources import list_sources

__all__ = [
    "Count",
    "Counter",
    "Explanation",
    "ImageTooLargeError",
    "LoadedModel",
    "Reach",
    "Unreadable",
    "count_zones",
    "explain",
    "find_reach",
    "list_sources",
    "locate",
    "open_model",
    "predict",
]
