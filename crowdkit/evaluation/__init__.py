"""Measure a model on a data set, and calibrate its counts."""

from crowdkit import _guard as _guard
from crowdkit.evaluation._calibrate import calibrate
from crowdkit.evaluation._evaluate import evaluate, mean_baseline
from crowdkit.evaluation.result import ImageCount, Localization, Result, results_table

__all__ = [
    "ImageCount",
    "Localization",
    "Result",
    "calibrate",
    "evaluate",
    "mean_baseline",
    "results_table",
]
