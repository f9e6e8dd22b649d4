"""Squared plus absolute error: the formula written naively, and its case."""

import numpy as np

from crowdkit.losses import MSEMAELoss
from losses._case import CROWD, Case


def naive_mse_mae(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    square_weight: float = 0.5,
    absolute_weight: float = 10.0,
    expansion: float = 100.0,
    stride: int = 1,
) -> float:
    total = 0.0
    for p, t in zip(pred.ravel(), target.ravel(), strict=True):
        error = (p - t) / stride**2 * expansion
        total += absolute_weight * abs(error) + square_weight * error**2
    return total / pred.size


CASE = Case(
    MSEMAELoss,
    naive_mse_mae,
    # errors 0, 1, 0, 4
    literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {"expansion": 1.0}, 10 * 5 / 4 + 17 / 4 / 2),
    variants=({"expansion": 1.0, "absolute_weight": 2.0, "square_weight": 1.0}, {"stride": 4}),
)
