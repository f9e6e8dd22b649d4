"""Optimal transport between a map and heads, with squared distances and equal masses."""

import math

import torch
from torch import Tensor, library

from crowdkit.errors import ArgumentError
from crowdkit.ops._pairs import block, check_cells, log2_sum, offsets
from crowdkit.ops.checks import check_stride

# Smaller shares are raised to this before the logarithm.
_LEAST = 1e-16


def transport(
    share: Tensor,
    points: Tensor,
    *,
    stride: int = 1,
    entropy: float = 10.0,
    iterations: int = 100,
    floor: float = 0.0,
) -> Tensor:
    r"""Entropic cost of transporting a map of mass 1 to heads of mass :math:`1/N`.

    .. math:: \min_{P, q, r \ge 0} \sum_{nm} P_{nm} \lVert x_n - z_m \rVert^2
        + \epsilon \Big( \sum_{nm} P_{nm} \log P_{nm}
        + \sum_n q_n \log \frac{q_n}{s} + \sum_m r_m \log \frac{r_m}{s} - \sum_m r_m \Big)

    where head :math:`n` at :math:`x_n` receives :math:`\sum_m P_{nm} + q_n = 1/N`, cell :math:`m` with center
    :math:`z_m` provides :math:`\sum_n P_{nm} + r_m = b_m`, and :math:`q` and :math:`r` are the masses that are not
    transported. With ``floor`` :math:`s = 0` everything is transported: balanced transport. Above 0, leaving mass
    behind costs about :math:`-\epsilon \log s` squared pixels, which bounds the cost of a distance.

    Solved by Sinkhorn's iteration, cells first, heads last. The value is the dual value at the potentials found, a
    lower bound that is tight at convergence, and its gradient is the cells' potential :math:`\beta`. As a share
    tends to 0, its potential tends to :math:`-\infty` like :math:`\epsilon \log b_m`: the entropy favors spread maps.

    With a floor, the iteration runs on kernels that factor into one along x and one along y, in float64: two matrix
    products of :math:`N h w` operations. Without a floor, it needs logarithms of sums over all pairs, block by
    block, and 100 iterations seldom converge for distances of hundreds of pixels.

    Args:
        share: Mass of each cell, not negative, shape :math:`(h, w)`, with sum 1.
        points: Heads (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`,
            :math:`N \ge 1`.
        stride: Side of a cell in pixels.
        entropy: Weight of the entropy :math:`\epsilon`, in squared pixels.
        iterations: Number of Sinkhorn steps; all are run, so that no convergence check synchronizes a GPU.
        floor: Constant :math:`s` added to every sum of kernels; 0, or at least 1e-100.

    Returns:
        A scalar, in squared pixels, of the type of ``share``; negative where the entropy outweighs the distances.

    Raises:
        ShapeError: If ``share`` is not :math:`(h, w)`, or ``points`` not :math:`(N, 2)` with at least one head.
        DTypeError: If ``points`` is not floating point.
        ArgumentError: If a number is outside its range.

    References:
        Cuturi. *Sinkhorn Distances*. NeurIPS 2013. Peyré and Cuturi. *Computational Optimal Transport*.
        2019, sections 4.2 (iteration), 4.4 (logarithms) and 4.3 (separable kernels).

    Examples:
        >>> import torch
        >>> transport(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.5, 0.5]]))
        tensor(4.)
        >>> far = transport(torch.tensor([[1.0, 0.0]]), torch.tensor([[99.5, 0.5]]), floor=1e-16)
        >>> round(far.item(), 1)  # neither side is carried: twice the price of 368.4, less 10 for r
        726.8
    """
    _check(share, points, stride, entropy, iterations, floor)
    rest, cells = _sinkhorn(share.detach(), points.detach(), stride, entropy, iterations, floor)
    value: Tensor = rest + (share * cells).sum()
    return value


def _check(share: Tensor, points: Tensor, stride: int, entropy: float, iterations: int, floor: float) -> None:
    check_cells("share", share, points)
    check_stride(stride)
    check_stride(iterations, name="iterations")
    if not (math.isfinite(entropy) and entropy > 0):
        raise ArgumentError(f"entropy: expected a finite number > 0, got {entropy!r}")
    if not (floor == 0 or 1e-100 <= floor < 1):
        raise ArgumentError(f"floor: expected 0, or a number from 1e-100 to 1, got {floor!r}")


# One opaque node in a graph: tracing the iterations would create thousands.
@library.custom_op("crowdkit::sinkhorn", mutates_args=())
def _sinkhorn(
    share: Tensor, points: Tensor, stride: int, entropy: float, iterations: int, floor: float
) -> tuple[Tensor, Tensor]:
    """The value without the part linear in the share, and the cells' potential (h, w)."""
    with torch.autocast(share.device.type, enabled=False):
        dtype = torch.float64 if floor else share.dtype
        across, down = (each.square() for each in offsets(points.to(dtype), share, stride))
        shares = share.to(dtype).clamp(min=_LEAST)
        if floor:
            rest, cells = _scale(shares, across / entropy, down / entropy, iterations, floor)
        else:
            rest, cells = _scale_logarithms(shares, across / entropy, down / entropy, iterations)
        return (rest * entropy).to(share.dtype), (cells * entropy).to(share.dtype)


@_sinkhorn.register_fake
def _(share: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    return share.new_empty(()), share.new_empty(share.shape)


def _scale(
    share: Tensor, across: Tensor, down: Tensor, iterations: int, floor: float
) -> tuple[Tensor, Tensor]:
    # float64 reaches down to 1e-308: smaller values are negligible beside the floor anyway.
    across, down = torch.exp(-across), torch.exp(-down)
    mass = 1 / len(across)
    heads = torch.full_like(across[:, 0], mass)
    cells = share
    for _ in range(iterations):
        cells = share / ((down * heads[:, None]).T @ across + floor)
        heads = mass / (((down @ cells) * across).sum(dim=1) + floor)
    return heads.log().mean() - floor * cells.sum(), cells.log()


def _scale_logarithms(share: Tensor, across: Tensor, down: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    # Base 2, because exp2 is several times faster than exp on a CPU.
    across, down, share = across / math.log(2), down / math.log(2), share.log2()
    number, height, width = len(across), *share.shape
    rows = block(share, number * width)
    several = block(share, share.numel())
    heads = torch.zeros_like(across[:, 0])
    cells = share
    for _ in range(iterations):
        reached = [
            log2_sum(heads[:, None, None] - across[:, None] - down[:, top : top + rows, None], (0,))
            for top in range(0, height, rows)
        ]
        cells = share - torch.cat(reached)
        found = [
            log2_sum(cells - across[n : n + several, None] - down[n : n + several, :, None], (1, 2))
            for n in range(0, number, several)
        ]
        heads = -math.log2(number) - torch.cat(found)
    return heads.mean() * math.log(2), cells * math.log(2)
