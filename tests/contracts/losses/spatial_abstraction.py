"""Spatial abstraction: the formula written naively, and its case."""

import numpy as np

from crowdkit.losses import SpatialAbstractionLoss
from losses._case import CROWD, Case


def naive_abstraction(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    scales: int = 3,
    scale_zero: bool = True,
    expansion: float = 1.0,
    stride: int = 1,
) -> float:
    total = 0.0
    for k in range(0 if scale_zero else 1, scales + 1):
        h, w = pred.shape[0] // 2**k, pred.shape[1] // 2**k
        for i, j in np.ndindex(h, w):
            block = slice(i * 2**k, (i + 1) * 2**k), slice(j * 2**k, (j + 1) * 2**k)
            error = (pred[block].max() - target[block].max()) / stride**2 * expansion
            total += error**2 / (h * w)
    return total


CASE = Case(
    SpatialAbstractionLoss,
    naive_abstraction,
    # errors 0, 1, 0, 4; of the maxima 1 - 0, 5 - 2
    literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {"scales": 1}, 17 / 4 + 10 / 2),
    variants=({"scale_zero": False}, {"scales": 1, "expansion": 30.0}, {"stride": 4}),
)
