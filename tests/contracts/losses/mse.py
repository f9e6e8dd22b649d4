"""Squared error of density maps: the formula written naively, and its case."""

import numpy as np

from crowdkit.losses import DensityMSELoss
from losses._case import CROWD, Case


def naive_mse(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    pixel: str = "mean",
    expansion: float = 1.0,
    stride: int = 1,
) -> float:
    total = sum(
        ((p - t) / stride**2 * expansion) ** 2 for p, t in zip(pred.ravel(), target.ravel(), strict=True)
    )
    return total * {"mean": 1 / pred.size, "sum": 1.0, "csrnet": 0.5}[pixel]


CASE = Case(
    DensityMSELoss,
    naive_mse,
    literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {"pixel": "csrnet"}, 8.5),
    variants=({"pixel": "sum"}, {"pixel": "csrnet", "expansion": 100.0}, {"stride": 8}),
)
