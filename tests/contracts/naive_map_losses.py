"""Formulas of the losses that the paper compares BSL with, written naively in float64."""

from typing import Any

import numpy as np
from naive_losses import naive_mse, naive_pool, naive_sl


def naive_mse_mae(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    square_weight: float = 0.5,
    absolute_weight: float = 10.0,
    expansion: float = 100.0,
    stride: int = 1,
) -> float:
    total = 0.0
    for p, t in zip(pred.ravel(), target.ravel(), strict=True):
        error = (p - t) / stride**2 * expansion
        total += absolute_weight * abs(error) + square_weight * error**2
    return total / pred.size


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
    pattern = naive_sl(pred, target, levels=1, padding=padding, **both, **window)
    return naive_mse(pred, target, **both) + consistency_weight * pattern


def naive_consistency(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    sizes: tuple[int, ...] = (1, 2, 4),
    expansion: float = 64.0,
    stride: int = 1,
) -> float:
    total = 0.0
    for s in sizes:
        for i, j in np.ndindex(s, s):
            rows, columns = (
                slice(index * side // s, -(-(index + 1) * side // s))
                for index, side in zip((i, j), pred.shape, strict=True)
            )
            levels = [each[rows, columns].mean() / stride**2 * expansion for each in (pred, target)]
            total += abs(levels[0] - levels[1]) / s**2
    return total


def naive_dsnet(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    consistency_weight: float = 1000.0,
    sizes: tuple[int, ...] = (1, 2, 4),
    expansion: float = 64.0,
    stride: int = 1,
) -> float:
    both = {"expansion": expansion, "stride": stride}
    consistency = naive_consistency(pred, target, sizes=sizes, **both)
    return naive_mse(pred, target, **both) + consistency_weight * consistency


def naive_abstraction(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    levels: int = 3,
    level_zero: bool = True,
    expansion: float = 1.0,
    stride: int = 1,
) -> float:
    total = 0.0
    for k in range(0 if level_zero else 1, levels + 1):
        h, w = pred.shape[0] // 2**k, pred.shape[1] // 2**k
        for i, j in np.ndindex(h, w):
            block = slice(i * 2**k, (i + 1) * 2**k), slice(j * 2**k, (j + 1) * 2**k)
            error = (pred[block].max() - target[block].max()) / stride**2 * expansion
            total += error**2 / (h * w)
    return total


def naive_correlation(pred: np.ndarray, target: np.ndarray, *, eps: float = 1e-6, stride: int = 1) -> float:
    x, y = pred / stride**2, target / stride**2
    assert min((x**2).sum(), (y**2).sum()) >= eps**2
    return float(1 - (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


def naive_tednet(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    levels: int = 3,
    level_zero: bool = True,
    correlation_weight: float = 1.0,
    expansion: float = 50.0,
    eps: float = 1e-6,
    stride: int = 1,
) -> float:
    abstraction = naive_abstraction(
        pred, target, levels=levels, level_zero=level_zero, expansion=expansion, stride=stride
    )
    return abstraction + correlation_weight * naive_correlation(pred, target, eps=eps, stride=stride)


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
