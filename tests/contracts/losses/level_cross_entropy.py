"""Cross-entropy of a fine attention map: the formula written naively, and its case."""

import math

import numpy as np
import torch
from torch import Tensor

from crowdkit.losses import LevelCrossEntropy
from losses._case import Case


def level_maps(
    batch: int, size: tuple[int, int], dtype: torch.dtype = torch.float32, seed: int = 0
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, 3, *size, generator=generator, dtype=torch.float64)
    return logits.to(dtype), torch.randint(3, (batch, 1, *size), generator=generator)


def naive_level(logits: np.ndarray, classes: np.ndarray) -> float:
    total = 0.0
    for i, j in np.ndindex(*classes.shape):
        total -= math.log(math.exp(logits[classes[i, j], i, j]) / sum(math.exp(v) for v in logits[:, i, j]))
    return total / classes.size


CASE = Case(
    LevelCrossEntropy,
    naive_level,
    inputs=level_maps,
    literal=([[[0.0]], [[math.log(2.0)]]], [[1]], {}, math.log(1.5)),
    density=False,
)
