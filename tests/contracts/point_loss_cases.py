"""The table of point-supervised losses that their contract walks through, each formula written naively."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from naive_transport import naive_dm_count, naive_generalized
from torch import Tensor, nn

from crowdkit.losses import (
    BayesianLoss,
    DMCountLoss,
    GeneralizedLoss,
    bayesian_loss,
    dm_count_loss,
    generalized_loss,
)

# ---- the formulas, written naively in float64 ------------------------------------------------------


def naive_bayesian(
    pred: np.ndarray,
    points: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    short_side: float | None = None,
    sigma: float = 8.0,
    background: str = "inverse",
    background_ratio: float = 1.0,
    stride: int = 8,
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


# ---- the inputs ------------------------------------------------------------------------------------


def crowds(
    numbers: tuple[int, ...],
    size: tuple[int, int],
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    stride: int = 8,
) -> tuple[Tensor, list[Tensor]]:
    """An estimate with some negative cells, and heads anywhere on its canvas, the first two at one place."""
    generator = torch.Generator().manual_seed(seed)
    batch = len(numbers)
    pred = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64) * 0.06 - 0.005
    canvas = torch.tensor([size[1] * stride, size[0] * stride], dtype=torch.float64)
    points = [torch.rand(number, 2, generator=generator, dtype=torch.float64) * canvas for number in numbers]
    for heads in points:
        heads[1:2] = heads[:1]
    return pred.to(dtype), [heads.to(dtype) for heads in points]


@dataclass(frozen=True)
class PointCase:
    name: str  # of the module in losses.__all__
    module: Callable[..., nn.Module]
    function: Callable[..., Tensor]
    naive: Callable[..., float]  # naive(pred (h, w), points (N, 2), **keywords) of one image
    # map, heads, keywords and the value worked out by hand
    literal: tuple[list[list[float]], list[list[float]], dict[str, Any], float]
    variants: tuple[dict[str, Any], ...] = ()
    call_time: tuple[str, ...] = ()  # keywords of the function that a module takes when called
    stride: int = 8  # the default
    size: tuple[int, int] = (6, 7)
    tolerance: float = 1e-9  # relative, in float64 against the naive formula
    # False where the published gradient is not the derivative of the published value; its own test then
    differentiable: bool = True

    def __str__(self) -> str:
        return self.name


POINT_CASES = (
    PointCase(
        "BayesianLoss",
        BayesianLoss,
        bayesian_loss,
        naive_bayesian,
        # the cell with people is 8 pixels from the head and, with a margin of 16, 8 from the background: each
        # finds 1.5 of the 3
        literal=([[0.0, 3.0]], [[4.0, 4.0]], {"background": "margin", "background_ratio": 2.0}, 2.0),
        variants=(
            {"background": "margin", "background_ratio": 0.15},
            {"background": "none"},
            {"background_ratio": 0.1, "sigma": 3.0},
            {"stride": 1},
            {"stride": 4, "background": "margin", "background_ratio": 0.5},
        ),
        call_time=("weights", "short_side"),
    ),
    PointCase(
        "DMCountLoss",
        DMCountLoss,
        dm_count_loss,
        naive_dm_count,
        # 2 people too many, carried (3, 4) pixels, no variation between two maps of one cell
        literal=([[3.0]], [[7.0, 8.0]], {}, 2 + 0.1 * 25),
        variants=(
            {"floor": 0.0, "entropy": 300.0},
            {"ot_weight": 1.0, "tv_weight": 0.5, "entropy": 50.0},
            {"stride": 1},
            {"stride": 2, "floor": 1e-40},
            {"stride": 4, "entropy": 40.0, "iterations": 400},
        ),
        differentiable=False,  # only where the iteration has converged
    ),
    PointCase(
        "GeneralizedLoss",
        GeneralizedLoss,
        generalized_loss,
        naive_generalized,
        # carrying the person 5 pixels costs 0.05, less than the prices of leaving it
        literal=(
            [[1.0]],
            [[9.0, 4.0]],
            {"cost": "exponential", "unit": 10.0, "scale": 0.5 / math.log(1.05)},
            0.05,
        ),
        variants=(
            {"cost": "exponential"},
            {"cost": "exponential", "scale": 0.1, "tau": 0.3, "iterations": 300},
            {"entropy": 0.1, "unit": 64.0},
            {"stride": 1},
        ),
        differentiable=False,  # it is: on a smaller map, in its own test
    ),
)
