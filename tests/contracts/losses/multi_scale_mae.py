"""Multi-scale mean absolute error: the formula written naively, and its case."""

from collections.abc import Sequence

import numpy as np

from crowdkit.losses import MultiScaleMAELoss
from losses._case import CROWD, Case


def naive_multi_scale_mae(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    scales: Sequence[int] = (1, 2, 4),
    weights: Sequence[float] = (1 / 4, 1 / 8, 1 / 16),
    relative_to: float | None = None,
) -> float:
    height, width = pred.shape
    total = 0.0
    for scale, weight in zip(scales, weights, strict=True):
        for i in range(0, height, scale):
            for j in range(0, width, scale):
                square = (slice(i, i + scale), slice(j, j + scale))
                total += weight * abs(float(pred[square].sum()) - float(target[square].sum()))
    return total if relative_to is None else total / max(float(target.sum()), relative_to)


CASE = Case(
    MultiScaleMAELoss,
    naive_multi_scale_mae,
    literal=([[0.0, 1.0, 2.0, 1.5]], CROWD, {}, 1.5 / 4 + 1.5 / 8 + 1.5 / 16),  # one and a half too many
    variants=(
        {"scales": (3,), "weights": (2.0,)},
        {"relative_to": 50.0},
        {"relative_to": 0.5, "scales": (1, 5), "weights": (0.0, 1.0)},
    ),
    density=False,  # counts have no stride
)
