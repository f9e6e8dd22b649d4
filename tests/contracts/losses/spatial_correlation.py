"""Spatial correlation: the formula written naively, and its case."""

import math

import numpy as np

from crowdkit.losses import SpatialCorrelationLoss
from losses._case import CROWD, Case


def naive_correlation(pred: np.ndarray, target: np.ndarray, *, eps: float = 1e-6, stride: int = 1) -> float:
    x, y = pred / stride**2, target / stride**2
    assert min((x**2).sum(), (y**2).sum()) >= eps**2
    return float(1 - (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


CASE = Case(
    SpatialCorrelationLoss,
    naive_correlation,
    literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {}, 1 - 9 / math.sqrt(30 * 5)),
    variants=({"stride": 4}, {"eps": 0.01}),
)
