"""Add heads up on a GPU: whole matrix products, which it never has to wait for."""

import torch
from torch import Tensor

from crowdkit.ops._kernels import Kernels

# The most kernel samples held at once.
_CHUNK = 2**25


def add_products(density: Tensor, kernels: Kernels, stride: int) -> None:
    """Add normalized kernels to a map (h, w), all heads to all pixels, in float64.

    More operations than tiles need, none of which asks a GPU what is where. No setting and no autocast rounds
    products in float64 to a coarser type.
    """
    count = len(kernels.pixel) // 2
    start = torch.zeros((), dtype=torch.int64, device=density.device)
    chunk = max(1, _CHUNK // (sum(density.shape) * stride))
    for first in range(0, count, chunk):
        some = torch.arange(first, min(first + chunk, count), device=density.device)
        samples = kernels.take(some).samples(start, density.shape[1], stride)
        weights = kernels.take(some + count).samples(start, density.shape[0], stride)
        weights.div_((weights.sum(dim=1) * samples.sum(dim=1))[:, None])
        density += weights.T @ samples
