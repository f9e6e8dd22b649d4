"""Relative error of the count: the formula written naively, and its case."""

import numpy as np

from crowdkit.losses import RelativeCountLoss
from losses._case import CROWD, Case


def naive_relative_count(pred: np.ndarray, target: np.ndarray, *, minimum: float = 1.0) -> float:
    people = sum(float(t) for t in target.ravel())
    return abs(sum(float(p) for p in pred.ravel()) - people) / max(people, minimum)


CASE = Case(
    RelativeCountLoss,
    naive_relative_count,
    literal=([[0.0, 1.0, 2.0, 1.5]], CROWD, {}, 0.5),  # 4.5 counted, 3 there
    variants=({"minimum": 50.0},),
    density=False,  # a count has no stride
)
