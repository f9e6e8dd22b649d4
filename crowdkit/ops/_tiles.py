"""Sum the kernels of heads on a CPU: every row of a tile is a weighted sum of kernel pieces."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.ops._kernels import Kernels

# Side of a tile in pixels, and its minimum in cells at a larger stride.
_SIDE = 64
_LEAST_SIDE = 8
# Kernel samples held at once, and the number of samples that an entry of the head-tile list is counted as.
_CHUNK = 2**20
_ENTRY = 16
# Bands of tiles are summed by one call as far as they have no more weighted pieces, and no more cells.
_AT_ONCE = 2**15


class Parts(NamedTuple):
    """Kernels cut into P parts of equal length; the parts of a kernel follow one another."""

    whose: Tensor  # the kernel of each part, (P,)
    place: Tensor  # its position along the axis, (P,)
    start: Tensor  # the first part of each kernel, (2 N,)
    many: Tensor  # number of parts of each kernel, (2 N,)

    @classmethod
    def of(cls, kernels: Kernels, length: int) -> "Parts":
        many = kernels.spans(length)
        start = many.cumsum(0) - many
        whose = torch.repeat_interleave(many)
        place = torch.arange(len(whose)) + (kernels.first // length - start).index_select(0, whose)
        return cls(whose, place, start, many)


def sum_heads(kernels: Kernels, image: Tensor, size: tuple[int, int, int], stride: int) -> Tensor:
    """Sum normalized kernels to maps (B, h, w), some heads at a time, so that memory does not grow with them.

    The maps lie one under the other on one canvas, each from a new row of tiles on: many small ones cost the calls
    of a single one.

    Args:
        kernels: Kernels of the heads of all images.
        image: Whose head each is, (N,).
        size: Size of the maps.
        stride: Side of a cell in pixels.
    """
    side = max(_LEAST_SIDE, _SIDE // stride)
    images, rows, columns = size
    tall = rows if images == 1 else -(-rows // side) * side
    density = torch.zeros(images * tall, columns, dtype=kernels.shift.dtype)
    if len(image):
        _add_heads(density, kernels.moved_down(image * (tall * stride)), side, stride)
    return density.view(images, tall, columns)[:, :rows].contiguous()


def _add_heads(density: Tensor, kernels: Kernels, side: int, stride: int) -> None:
    count = len(kernels.pixel) // 2
    wide, high = kernels.spans(side * stride).view(2, -1)
    cost = (wide + high) * (side * stride) + wide * high * _ENTRY
    if int(cost.sum()) <= _CHUNK:
        _add_chunk(density, kernels, side, stride)
        return
    order = kernels.first[count:].argsort(stable=True)  # heads of a group then overlap the same rows
    chunks = torch.bincount((cost[order].cumsum(0) - 1) // _CHUNK).tolist()
    for some in torch.split(order, chunks):
        if len(some):
            _add_chunk(density, kernels.heads(some), side, stride)


def _add_chunk(density: Tensor, kernels: Kernels, side: int, stride: int) -> None:
    rows, columns = density.shape
    strips, bands = -(-columns // side), -(-rows // side)
    count = len(kernels.pixel) // 2
    parts = Parts.of(kernels, side * stride)
    samples = kernels.take(parts.whose).samples(parts.place * (side * stride), side, stride)
    across = int(parts.start[count])  # the number of parts along x
    pieces, weights = samples[:across], samples[across:].T.contiguous()
    # A head's samples must sum to 1: the sums along both axes go into the weights.
    totals = samples.new_zeros(2 * count).index_add_(0, parts.whose, samples.sum(dim=1))
    owner = parts.whose[across:] - count
    weights.div_((totals[:count] * totals[count:]).index_select(0, owner))

    # One entry for each tile that a head overlaps, tile by tile: its piece and its weights.
    many = parts.many.index_select(0, owner)
    weight = torch.repeat_interleave(many)
    first = parts.start.index_select(0, owner) - (many.cumsum(0) - many)
    piece = torch.arange(len(weight)) + first.index_select(0, weight)
    tile = (parts.place[across:] * strips).index_select(0, weight) + parts.place.index_select(0, piece)
    tile, order = tile.sort(stable=True)
    weight, piece = weight.index_select(0, order), piece.index_select(0, order)
    starts = torch.searchsorted(tile, torch.arange(bands * strips + 1))
    limits = starts[::strips].tolist()
    nth = torch.arange(side)[:, None]
    band, last, most = int(tile[0]) // strips, int(tile[-1]) // strips, _AT_ONCE // (side * side * strips)
    while band <= last:
        if limits[band] == limits[band + 1]:
            band += 1
            continue
        # Every row of a band sums the same pieces, each with weights of its own.
        after = band + 1
        while after <= last and after < band + most and (limits[after + 1] - limits[band]) * side <= _AT_ONCE:
            after += 1
        start, stop = limits[band], limits[after]
        some = starts[band * strips : after * strips]
        summed = F.embedding_bag(
            piece[start:stop].repeat(side),
            pieces,
            (some + (nth * (stop - start) - start)).view(-1),
            mode="sum",
            per_sample_weights=weights.index_select(1, weight[start:stop]).view(-1),
        )
        top = band * side
        tall = min((after - band) * side, rows - top)
        lines = summed.view(side, after - band, -1).transpose(0, 1).flatten(end_dim=1)
        density[top : top + tall] += lines[:tall, :columns]
        band = after
