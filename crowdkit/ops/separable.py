"""Correlation with a separable window: by gathered rows on a CPU, by shifted sums elsewhere."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


class SeparableFilter:
    """Filter with the same window along rows and columns, and its adjoint; not differentiable by itself.

    On a CPU the sum of weighted rows is a single ``embedding_bag``. It accumulates in registers where shifted sums
    access memory for every tap, which makes it four times as fast, and neither autocast nor a matrix-product
    setting affects it. Between the two directions the maps are transposed, so that columns become rows.

    Attributes:
        taps: Weights of the window along one side.
        dilation: Distance between the weights, in cells.
        margin: How much smaller the result is than the maps, along each side.
    """

    def __init__(self, taps: Sequence[float], dilation: int = 1) -> None:
        self.taps = tuple(taps)
        self.dilation = dilation
        self.margin = (len(self.taps) - 1) * dilation
        self._tables: dict[tuple[int, int, bool], tuple[Tensor, Tensor]] = {}

    def __call__(self, maps: Tensor) -> Tensor:
        """Filter maps (m, n, h, w) where the window fits: (m, n, h', w'), in whatever memory layout results."""
        if not gathers(maps):
            return shifted_adds(maps, self.taps, self.dilation)
        many, images, height, width = maps.shape
        rows = self._gather(maps.reshape(-1, width), many * images)
        columns = self._gather(rows.t().contiguous(), 1)
        return columns.view(-1, many, images, height - self.margin).permute(1, 2, 3, 0)

    def adjoint(self, maps: Sequence[Tensor]) -> Tensor:
        """Backpropagate maps (n, h', w') through the filter: (m, n, h, w), contiguous."""
        many, (images, height, _) = len(maps), maps[0].shape
        if not gathers(maps[0]):
            padded = F.pad(torch.stack(tuple(maps)), (self.margin,) * 4)
            return shifted_adds(padded, self.taps[::-1], self.dilation)
        columns = torch.stack([each.permute(2, 0, 1) for each in maps], dim=1).flatten(start_dim=1)
        rows = self._gather(columns, 1, back=True).t().contiguous()
        width = rows.shape[1]
        return self._gather(rows, many * images, back=True).view(many, images, height + self.margin, width)

    def _gather(self, rows: Tensor, blocks: int, *, back: bool = False) -> Tensor:
        length = len(rows) // blocks
        key = (blocks, length, back)
        if key not in self._tables:
            self._tables[key] = self._table(blocks, length, back=back, dtype=rows.dtype)
        index, weights = self._tables[key]
        return F.embedding_bag(index, rows, mode="sum", per_sample_weights=weights)

    def _table(self, blocks: int, length: int, *, back: bool, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        # The rows of each block that contribute to a row of the result, and their weights.
        size, first = (length + self.margin, -self.margin) if back else (length - self.margin, 0)
        index = torch.arange(size)[:, None] + torch.arange(first, first + self.margin + 1, self.dilation)
        taps = torch.tensor(self.taps[::-1] if back else self.taps, dtype=dtype)
        weights = taps * ((index >= 0) & (index < length))  # rows beyond the block are zeros
        index = torch.arange(0, blocks * length, length)[:, None, None] + index.clamp(0, length - 1)
        return index.flatten(end_dim=1), weights.repeat(blocks, 1)


def correlate(maps: Tensor, taps: tuple[float, ...], dilation: int) -> Tensor:
    """Filter maps (..., h, w) along both sides where the window fits."""
    if torch.compiler.is_compiling() or not gathers(maps) or maps.numel() == 0:
        return shifted_adds(maps, taps, dilation)
    found = SeparableFilter(taps, dilation)(maps.reshape(1, -1, *maps.shape[-2:]))
    turned = found.permute(3, 0, 1, 2).flatten(start_dim=1)
    return turned.t().contiguous().view(*maps.shape[:-2], *found.shape[-2:])


def gathers(maps: Tensor) -> bool:
    """Whether rows of these maps can be gathered in their own precision."""
    return maps.device.type == "cpu" and maps.dtype in (torch.float32, torch.float64)


def shifted_adds(maps: Tensor, taps: tuple[float, ...], dilation: int) -> Tensor:
    """Filter maps (..., h, w) tap by tap."""
    # In place is twice as fast, but torch 2.11 silently compiles it to a gradient of zero.
    add = torch.add if torch.compiler.is_compiling() else torch.Tensor.add_
    for dim in (-2, -1):
        length = maps.shape[dim] - (len(taps) - 1) * dilation
        total = maps.narrow(dim, 0, length) * taps[0]
        for i, tap in enumerate(taps[1:], start=1):
            total = add(total, maps.narrow(dim, i * dilation, length), alpha=tap)
        maps = total
    return maps
