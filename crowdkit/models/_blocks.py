"""Where in a block its people are, from a density map; how many, from that and a count of the block."""

from torch import Tensor

from crowdkit.ops import sum_pool

_EMPTY = 1e-6  # people; in a block with less no share can be told from rounding


def shared_out(density: Tensor, counts: Tensor, *, factor: int) -> Tensor:
    r"""Bring each block of a density map to the mean of its own sum and a count.

    .. math:: \hat D_i = \frac{D_i}{\sum_{j \in b} D_j} \cdot \frac{\sum_{j \in b} D_j + c_b}{2}

    Args:
        density: People per cell, shape :math:`(B, 1, f h, f w)`.
        counts: People per block of :math:`f \times f` cells, shape :math:`(B, 1, h, w)`.
        factor: :math:`f`.

    Returns:
        People per cell, shape :math:`(B, 1, f h, f w)`.
    """
    gain = 0.5 + 0.5 * counts / sum_pool(density, factor).clamp(min=_EMPTY)
    return density * gain.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)
