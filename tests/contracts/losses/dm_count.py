"""DM-Count: the formula written naively, and its case."""

import numpy as np
from scipy.special import logsumexp

from crowdkit.losses import DMCountLoss
from losses._case import PointCase
from losses._pairs import pairs


def naive_transport(
    share: np.ndarray, cost: np.ndarray, *, entropy: float, iterations: int, floor: float
) -> float:
    """Sinkhorn's scaling, or in logarithms without a floor, and the dual's value at what it finds."""
    mass = np.full(len(cost), 1 / len(cost))
    share = np.maximum(share, 1e-16)
    if floor == 0:
        heads = np.zeros(len(cost))
        for _ in range(iterations):
            cells = np.log(share) - logsumexp(heads[:, None] - cost / entropy, axis=0)
            heads = np.log(mass) - logsumexp(cells - cost / entropy, axis=1)
        return float(entropy * (mass @ heads + share @ cells))
    kernel = np.exp(-cost / entropy)
    u = mass
    for _ in range(iterations):
        v = share / (u @ kernel + floor)
        u = mass / (kernel @ v + floor)
    total = u @ kernel @ v + floor * u.sum() + floor * v.sum()
    return float(entropy * (mass @ np.log(u) + share @ np.log(v) - total + 1))


def naive_dm_count(
    pred: np.ndarray,
    points: np.ndarray,
    *,
    ot_weight: float = 0.1,
    tv_weight: float = 0.01,
    entropy: float = 10.0,
    iterations: int = 100,
    floor: float = 1e-16,
    stride: int = 1,
) -> float:
    value = abs(pred.sum() - len(points))
    if len(points) == 0:
        return float(value)
    positive = np.maximum(pred, 0)
    share = positive * positive.sum() / (positive.sum() ** 2 + 1e-8)
    dots = np.zeros_like(pred)
    for x, y in points:
        dots[int(y // stride), int(x // stride)] += 1
    _, distance = pairs(pred.shape, points, stride)
    carried = naive_transport(share.ravel(), distance**2, entropy=entropy, iterations=iterations, floor=floor)
    variation = len(points) * np.abs(share - dots / len(points)).sum()
    return float(value + ot_weight * carried + tv_weight * variation)


CASE = PointCase(
    DMCountLoss,
    naive_dm_count,
    # 2 people too many, carried (3, 4) pixels, no variation between two maps of one cell
    literal=([[3.0]], [[7.0, 8.0]], {"stride": 8}, 2 + 0.1 * 25),
    variants=(
        {"floor": 0.0, "entropy": 300.0, "stride": 8},
        {"ot_weight": 1.0, "tv_weight": 0.5, "entropy": 50.0, "stride": 8},
        {"stride": 8},
        {"stride": 2, "floor": 1e-40},
        {"stride": 4, "entropy": 40.0, "iterations": 400},
    ),
    differentiable=False,  # only where the iteration has converged
)
