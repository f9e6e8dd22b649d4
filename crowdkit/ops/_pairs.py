"""Shared parts of the transport solvers: distances between heads and cells, and sums over their pairs."""

import torch
from torch import Tensor

from crowdkit.errors import ShapeError
from crowdkit.ops.checks import check_points


def check_cells(name: str, cells: Tensor, points: Tensor) -> None:
    """Raise unless ``cells`` is a map (h, w) and ``points`` are (N, 2) with at least one head."""
    if cells.ndim != 2 or 0 in cells.shape:
        raise ShapeError(f"{name}: expected shape (h, w) of at least one cell, got {tuple(cells.shape)}")
    check_points("points", points)
    if len(points) == 0:
        raise ShapeError(
            "points: expected at least one head, got (0, 2); an image without any has no transport"
        )


def offsets(points: Tensor, cells: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Heads' x minus the column centers, (N, w), and heads' y minus the row centers, (N, h), in pixels."""
    x = (torch.arange(cells.shape[1], dtype=points.dtype, device=points.device) + 0.5) * stride
    y = (torch.arange(cells.shape[0], dtype=points.dtype, device=points.device) + 0.5) * stride
    return points[:, :1] - x, points[:, 1:] - y


def block(tensor: Tensor, pairs: int) -> int:
    """The number of slices of ``pairs`` head-cell pairs to process together: enough to fill a CPU's cache or a GPU."""
    return max(1, (2**18 if tensor.device.type == "cpu" else 2**24) // pairs)


def log2_sum(exponents: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Log2 of the sum of powers of 2 over ``dims``; overwrites its argument."""
    top = exponents.amax(dim=dims, keepdim=True)
    return (exponents.sub_(top).exp2_().sum(dim=dims, keepdim=True).log2_() + top).squeeze(dims)
