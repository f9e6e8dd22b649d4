"""Dilated multi-scale SSIM: the formula written naively, and its case."""

from typing import Any

import numpy as np

from crowdkit.losses import DMSSSIMLoss
from losses._case import Case
from losses.ssim_pyramid import naive_pool


def dms_similarities(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    dilations: tuple[int, ...] = (1, 2, 3, 6, 9),
    window_size: int = 5,
    window_sigma: float = 1.0,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    eps: float = 1e-12,
    stride: int = 1,
) -> list[float]:
    """Mean SSIM of each level, at the authors' scale of 255."""
    pred, target = pred / stride**2, target / stride**2
    x = (pred + eps) / (target.max() + eps) * 255
    y = (target + eps) / (target.max() + eps) * 255
    c1, c2 = c1 * 255**2, c2 * 255**2
    ticks = np.arange(window_size) - window_size // 2
    window = np.exp(-(ticks[:, None] ** 2 + ticks[None] ** 2) / (2 * window_sigma**2))
    window /= window.sum()
    means = []
    for level, d in enumerate(dilations):
        if level:
            x, y = naive_pool(x), naive_pool(y)
        margin = window_size // 2 * d
        a, b = np.pad(x, margin), np.pad(y, margin)
        values = []
        for i, j in np.ndindex(*x.shape):
            where = slice(i, i + 2 * margin + 1, d), slice(j, j + 2 * margin + 1, d)
            ma, mb = (window * a[where]).sum(), (window * b[where]).sum()
            va, vb = (window * (a[where] - ma) ** 2).sum(), (window * (b[where] - mb) ** 2).sum()
            cov = (window * (a[where] - ma) * (b[where] - mb)).sum()
            values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
        means.append(float(np.mean(values)))
    return means


def naive_dms_ssim(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    floor: float = 1e-3,
    **keywords: Any,
) -> float:
    product, below = 1.0, 0.0
    for mean, weight in zip(dms_similarities(pred, target, **keywords), weights, strict=True):
        product *= max(mean, floor) ** weight
        below += weight * max(floor - mean, 0)
    return 1 - product + below


CASE = Case(
    DMSSSIMLoss,
    naive_dms_ssim,
    # constant maps 1/3 and 1 under a window of one cell: (2/3 + 1) / (1/9 + 1 + 1) at both levels
    literal=(
        [[1.0] * 4] * 4,
        [[3.0] * 4] * 4,
        {"window_size": 1, "c1": 1.0, "dilations": (1, 2), "weights": (0.5, 0.5)},
        1 - 15 / 19,
    ),
    variants=(
        {"dilations": (2, 1), "weights": (0.7, 0.4), "window_size": 3, "window_sigma": 0.8},
        {"eps": 1e-3, "floor": 0.3, "c1": 0.1, "c2": 0.2},
        {"stride": 4},
    ),
)
