"""The losses' formulas, written naively in float64: one image's maps (h, w), loops where they are plainer."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


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
    levels: int = 3,
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
    for level in range(levels):
        if level:
            x, y = naive_pool(x), naive_pool(y)
        size, a, b = window_size, x, y
        if padding == "same":
            a, b = np.pad(x, size // 2), np.pad(y, size // 2)
        while size > min(a.shape):
            size -= 2
        total += 1 - naive_ssim(a, b, size, window_sigma, c1, c2)
    return total / levels


def naive_bl(
    pred: np.ndarray, target: np.ndarray, *, threshold: float = 1e-5, stride: int = 1, **_: Any
) -> float:
    background = people = 0.0
    for d, t in zip(pred.ravel(), target.ravel(), strict=True):
        people += max(d, 0)
        if t / stride**2 < threshold:
            background += max(d, 0)
    return background / people


def naive_bsl(
    pred: np.ndarray, target: np.ndarray, *, background_weight: float = 1.0, **keywords: Any
) -> float:
    return naive_sl(pred, target, **keywords) + background_weight * naive_bl(pred, target, **keywords)


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


def naive_relative_count(pred: np.ndarray, target: np.ndarray, *, minimum: float = 1.0) -> float:
    people = sum(float(t) for t in target.ravel())
    return abs(sum(float(p) for p in pred.ravel()) - people) / max(people, minimum)


def naive_multi_scale_mae(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    scales: Sequence[int] = (1, 2, 4),
    weights: Sequence[float] = (1 / 4, 1 / 8, 1 / 16),
    relative_to: float | None = None,
) -> float:
    height, width = pred.shape
    total = 0.0
    for scale, weight in zip(scales, weights, strict=True):
        for i in range(0, height, scale):
            for j in range(0, width, scale):
                square = (slice(i, i + scale), slice(j, j + scale))
                total += weight * abs(float(pred[square].sum()) - float(target[square].sum()))
    return total if relative_to is None else total / max(float(target.sum()), relative_to)


def naive_region(logits: np.ndarray, region: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-logits))
    return float(-np.mean(np.where(region > 0, np.log(p), np.log(1 - p))))


def naive_level(logits: np.ndarray, classes: np.ndarray) -> float:
    total = 0.0
    for i, j in np.ndindex(*classes.shape):
        total -= math.log(math.exp(logits[classes[i, j], i, j]) / sum(math.exp(v) for v in logits[:, i, j]))
    return total / classes.size
