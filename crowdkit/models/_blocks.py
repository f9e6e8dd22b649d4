"""Combine a density map with block counts: the map gives the distribution inside a block, both give its sum."""

from torch import Tensor

from crowdkit.ops import sum_pool

_EMPTY = 1e-6  # people; in a block with fewer, shares are indistinguishable from rounding


def shared_out(density: Tensor, counts: Tensor, *, factor: int) -> Tensor:
    r"""Scale each block of a density map to the mean of its own sum and a count.

    .. math:: \hat D_i = \frac{D_i}{\sum_{j \in b} D_j} \cdot \frac{\sum_{j \in b} D_j + c_b}{2}

    Args:
        density: People per cell, shape :math:`(B, 1, f h, f w)`.
        counts: People per block of :math:`f \times f` cells, shape :math:`(B, 1, h, w)`.
        factor: Side of a block in cells, :math:`f`.

    Returns:
        People per cell, shape :math:`(B, 1, f h, f w)`.
    """
    gain = 0.5 + 0.5 * counts / sum_pool(density, factor).clamp(min=_EMPTY)
    return density * gain.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)
