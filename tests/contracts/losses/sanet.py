"""Loss of SANet: the formula written naively, and its case."""

from typing import Any

import numpy as np

from crowdkit.losses import SANetLoss
from losses._case import Case
from losses.mse import naive_mse
from losses.ssim_pyramid import naive_sl


def naive_sanet(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    consistency_weight: float = 0.001,
    expansion: float = 1.0,
    padding: str = "same",
    stride: int = 1,
    **window: Any,
) -> float:
    both = {"expansion": expansion, "stride": stride}
    pattern = naive_sl(pred, target, scales=1, padding=padding, **both, **window)
    return naive_mse(pred, target, **both) + consistency_weight * pattern


CASE = Case(
    SANetLoss,
    naive_sanet,
    # as above: SSIM 7 / 11
    literal=(
        [[1.0] * 4] * 4,
        [[3.0] * 4] * 4,
        {"c1": 1.0, "padding": "valid", "consistency_weight": 0.5},
        4 + 0.5 * 4 / 11,
    ),
    variants=(
        {"expansion": 100.0, "consistency_weight": 0.1},
        {"padding": "valid", "window_size": 5, "window_sigma": 0.8},
        {"expansion": 50.0, "stride": 4, "c1": 0.01, "c2": 0.03},
    ),
)
