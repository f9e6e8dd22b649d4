"""Measure a model on a data set, and calibrate its counts."""

from crowdkit import _guard as _guard
from crowdkit.evaluation._calibrate import calibrate, calibrate_results
from crowdkit.evaluation._evaluate import evaluate, mean_baseline
from crowdkit.evaluation.result import ImageCount, LocalizationResult, Result, results_table

__all__ = [
    "ImageCount",
    "LocalizationResult",
    "Result",
    "calibrate",
    "calibrate_results",
    "evaluate",
    "mean_baseline",
    "results_table",
]
