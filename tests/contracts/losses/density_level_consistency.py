"""Density level consistency: the formula written naively, and its case."""

import numpy as np

from crowdkit.losses import DensityLevelConsistencyLoss
from losses._case import CROWD, Case


def naive_consistency(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    sizes: tuple[int, ...] = (1, 2, 4),
    expansion: float = 64.0,
    stride: int = 1,
) -> float:
    total = 0.0
    for s in sizes:
        for i, j in np.ndindex(s, s):
            rows, columns = (
                slice(index * side // s, -(-(index + 1) * side // s))
                for index, side in zip((i, j), pred.shape, strict=True)
            )
            levels = [each[rows, columns].mean() / stride**2 * expansion for each in (pred, target)]
            total += abs(levels[0] - levels[1]) / s**2
    return total


CASE = Case(
    DensityLevelConsistencyLoss,
    naive_consistency,
    # errors 0, 1, 0, -4: -3/4 over all, 1/2 and -2 over halves
    literal=([[0.0, 1.0, 2.0, -3.0]], CROWD, {"expansion": 1.0, "sizes": (1, 2)}, 3 / 4 + 5 / 4),
    variants=({"sizes": (3,), "expansion": 1.0}, {"stride": 8}),
)
