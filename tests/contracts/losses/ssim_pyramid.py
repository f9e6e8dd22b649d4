"""Structural loss (SL): the formula written naively, and its case."""

from typing import Any

import numpy as np

from crowdkit.losses import SSIMPyramidLoss
from losses._case import Case


def naive_ssim(x: np.ndarray, y: np.ndarray, size: int, sigma: float, c1: float, c2: float) -> float:
    ticks = np.arange(size) - size // 2
    window = np.exp(-(ticks[:, None] ** 2 + ticks[None] ** 2) / (2 * sigma**2))
    window /= window.sum()
    values = []
    for i in range(x.shape[0] - size + 1):
        for j in range(x.shape[1] - size + 1):
            a, b = x[i : i + size, j : j + size], y[i : i + size, j : j + size]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(values))


def naive_pool(x: np.ndarray) -> np.ndarray:
    h, w = x.shape[0] // 2, x.shape[1] // 2
    return np.array([[x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for j in range(w)] for i in range(h)])


def naive_sl(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    scales: int = 3,
    window_size: int = 11,
    window_sigma: float = 1.5,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    expansion: float = 50.0,
    padding: str = "valid",
    stride: int = 1,
    **_: Any,
) -> float:
    x, y = pred / stride**2 * expansion, target / stride**2 * expansion
    total = 0.0
    for scale in range(scales):
        if scale:
            x, y = naive_pool(x), naive_pool(y)
        size, a, b = window_size, x, y
        if padding == "same":
            a, b = np.pad(x, size // 2), np.pad(y, size // 2)
        while size > min(a.shape):
            size -= 2
        total += 1 - naive_ssim(a, b, size, window_sigma, c1, c2)
    return total / scales


SSIM_VARIANTS = (
    {"scales": 1},
    {"scales": 2, "window_size": 5, "window_sigma": 0.8},
    {"padding": "same"},
    {"c1": 0.01, "c2": 0.03, "expansion": 1000.0},
    {"stride": 4},
)


CASE = Case(
    SSIMPyramidLoss,
    naive_sl,
    # constant maps 1 and 3: structure 1, luminance (2*3 + c1) / (10 + c1) = 7 / 11
    literal=([[1.0] * 4] * 4, [[3.0] * 4] * 4, {"expansion": 1.0, "c1": 1.0, "scales": 1}, 4 / 11),
    variants=SSIM_VARIANTS,
)
