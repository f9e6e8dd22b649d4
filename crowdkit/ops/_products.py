"""Sum the kernels of heads on a GPU, as whole matrix products without synchronization."""

import torch
from torch import Tensor

from crowdkit.ops._kernels import Kernels

# The maximum number of kernel samples held at once.
_CHUNK = 2**25


def add_products(density: Tensor, kernels: Kernels, stride: int) -> None:
    """Add the normalized kernels of all heads to all pixels of a map (h, w), in float64.

    This takes more operations than tiles, but never synchronizes with the GPU. Neither a setting nor autocast rounds
    float64 products to a coarser type.
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
