"""Background-aware Structural Loss (BSL): the formula written naively, and its case."""

from typing import Any

import numpy as np

from crowdkit.losses import BSL
from losses._case import Case
from losses.background_ratio import naive_bl
from losses.ssim_pyramid import SSIM_VARIANTS, naive_sl


def naive_bsl(
    pred: np.ndarray, target: np.ndarray, *, background_weight: float = 1.0, **keywords: Any
) -> float:
    return naive_sl(pred, target, **keywords) + background_weight * naive_bl(pred, target, **keywords)


CASE = Case(
    BSL,
    naive_bsl,
    # SL as above over a map of ones against threes, and everything in the estimate is crowd
    literal=([[1.0] * 4] * 4, [[3.0] * 4] * 4, {"expansion": 1.0, "c1": 1.0, "scales": 1}, 4 / 11),
    variants=(*SSIM_VARIANTS, {"background_weight": 0.3}, {"threshold": 0.02, "stride": 2}),
    call_time=("background",),
)
