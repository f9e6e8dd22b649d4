"""Background loss (BL): the formula written naively, and its case."""

from typing import Any

import numpy as np

from crowdkit.losses import BackgroundRatioLoss
from losses._case import CROWD, Case


def naive_bl(
    pred: np.ndarray, target: np.ndarray, *, threshold: float = 1e-5, stride: int = 1, **_: Any
) -> float:
    background = people = 0.0
    for d, t in zip(pred.ravel(), target.ravel(), strict=True):
        people += max(d, 0)
        if t / stride**2 < threshold:
            background += max(d, 0)
    return background / people


CASE = Case(
    BackgroundRatioLoss,
    naive_bl,
    literal=([[3.0, -9.0, 5.0, 4.0]], CROWD, {}, 0.25),
    variants=({"threshold": 0.02}, {"stride": 8}, {"threshold": 1e-3, "stride": 2}),
    call_time=("background",),
)
