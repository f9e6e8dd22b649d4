"""Loss of TEDNet: the formula written naively, and its case."""

import math

import numpy as np

from crowdkit.losses import TEDNetLoss
from losses._case import CROWD, Case
from losses.spatial_abstraction import naive_abstraction
from losses.spatial_correlation import naive_correlation


def naive_tednet(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    scales: int = 3,
    scale_zero: bool = True,
    correlation_weight: float = 1.0,
    expansion: float = 50.0,
    eps: float = 1e-6,
    stride: int = 1,
) -> float:
    abstraction = naive_abstraction(
        pred, target, scales=scales, scale_zero=scale_zero, expansion=expansion, stride=stride
    )
    return abstraction + correlation_weight * naive_correlation(pred, target, eps=eps, stride=stride)


CASE = Case(
    TEDNetLoss,
    naive_tednet,
    literal=(
        [[0.0, 1.0, 2.0, 5.0]],
        CROWD,
        {"scales": 1, "correlation_weight": 2.0, "expansion": 1.0},
        17 / 4 + 10 / 2 + 2 - 18 / math.sqrt(30 * 5),
    ),
    variants=({"scale_zero": False, "scales": 2}, {"expansion": 64.0, "stride": 8, "eps": 1e-3}),
)
