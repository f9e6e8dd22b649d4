"""Bayesian loss: the formula written naively, and its case."""

import math

import numpy as np

from crowdkit.losses import BayesianLoss
from losses._case import PointCase


def naive_bayesian(
    pred: np.ndarray,
    points: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    short_side: float | None = None,
    sigma: float = 8.0,
    background: str = "inverse",
    background_ratio: float = 1.0,
    stride: int = 1,
) -> float:
    if len(points) == 0:
        return abs(float(pred.sum()))
    margin = background_ratio * (min(pred.shape) * stride if short_side is None else short_side)
    found = np.zeros(len(points) + 1)
    for (i, j), people in np.ndenumerate(pred):
        squares = [((j + 0.5) * stride - x) ** 2 + ((i + 0.5) * stride - y) ** 2 for x, y in points]
        if background == "inverse":
            squares.append(margin**2 / (min(squares) + 1e-5))
        elif background == "margin":
            squares.append((margin - math.sqrt(min(squares))) ** 2)
        else:
            squares.append(math.inf)
        likelihood = [math.exp((min(squares) - each) / (2 * sigma**2)) for each in squares]
        found += people * np.array(likelihood) / sum(likelihood)
    expected = np.append(np.ones(len(points)) if weights is None else weights, 0.0)
    return float(np.abs(expected - found).sum())


CASE = PointCase(
    BayesianLoss,
    naive_bayesian,
    # the cell with people is 8 pixels from the head and, with a margin of 16, 8 from the background: each
    # finds 1.5 of the 3
    literal=([[0.0, 3.0]], [[4.0, 4.0]], {"background": "margin", "background_ratio": 2.0, "stride": 8}, 2.0),
    variants=(
        {"background": "margin", "background_ratio": 0.15},
        {"background": "none"},
        {"background_ratio": 0.1, "sigma": 3.0},
        {"stride": 8},
        {"stride": 4, "background": "margin", "background_ratio": 0.5},
    ),
    call_time=("weights", "short_side"),
)
