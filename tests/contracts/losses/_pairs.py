"""Cells and heads, pair by pair, for the losses that carry people."""

import math

import numpy as np


def pairs(size: tuple[int, int], points: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Centers of the cells (h w, 2), and their distances from the heads (N, h w)."""
    cells = np.array([((j + 0.5) * stride, (i + 0.5) * stride) for i, j in np.ndindex(*size)])
    return cells, np.array([[math.dist(head, cell) for cell in cells] for head in points])
