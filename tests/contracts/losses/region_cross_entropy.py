"""Cross-entropy of a coarse attention map: the formula written naively, and its case."""

import math

import numpy as np
import torch
from torch import Tensor

from crowdkit.losses import RegionCrossEntropy
from losses._case import Case, maps


def region_maps(
    batch: int, size: tuple[int, int], dtype: torch.dtype = torch.float32, seed: int = 0
) -> tuple[Tensor, Tensor]:
    pred, target = maps(batch, size, torch.float64, seed)
    return ((pred - 0.02) * 100).to(dtype), target > 0.02


def naive_region(logits: np.ndarray, region: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-logits))
    return float(-np.mean(np.where(region > 0, np.log(p), np.log(1 - p))))


CASE = Case(
    RegionCrossEntropy,
    naive_region,
    inputs=region_maps,
    literal=([[math.log(3.0), 0.0]], [[True, False]], {}, (math.log(4 / 3) + math.log(2)) / 2),
    density=False,
)
