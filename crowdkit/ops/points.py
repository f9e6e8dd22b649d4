"""Count heads in the cells of a grid without reading values, so that a compiled loss can use it."""

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError
from crowdkit.ops.checks import check_finite_points, check_points, check_stride


def dot_map(
    points: Tensor, size: tuple[int, int], *, stride: int = 1, dtype: torch.dtype = torch.float32
) -> Tensor:
    r"""Count the heads in each cell of a grid.

    .. math:: D_{ij} = \#\{n : \lfloor y_n \rfloor \operatorname{div} s = i,\ \lfloor x_n \rfloor
        \operatorname{div} s = j\}

    Cells hold whole numbers, and coincident heads are each counted. A head outside the canvas counts in the nearest
    cell, so that the map always sums to the number of heads; raising an error as :func:`crowdkit.ops.splat` does
    would read values, which synchronizes with a GPU.

    Args:
        points: Heads (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`.
        size: Canvas :math:`(H, W)` in pixels.
        stride: Side of a cell in pixels. The map equals the sum-pooled map at stride 1.
        dtype: Floating-point type of the map.

    Returns:
        People per cell, shape :math:`(\lceil H/s \rceil, \lceil W/s \rceil)`, on the device of ``points``.

    Raises:
        ShapeError: If ``points`` is not :math:`(N, 2)`.
        DTypeError: If ``points`` is not floating point.
        ArgumentError: If ``size`` or ``stride`` is not positive, or heads on the CPU are not finite.

    Examples:
        >>> import torch
        >>> dot_map(torch.tensor([[0.0, 0.0], [0.9, 1.5], [7.9, 3.9]]), (4, 8), stride=2)
        tensor([[2., 0., 0., 0.],
                [0., 0., 0., 1.]])
    """
    check_points("points", points)
    check_finite_points("points", points)
    check_stride(stride)
    height, width = size
    if height < 1 or width < 1:
        raise ArgumentError(f"size: expected (H, W) of at least one pixel, got {tuple(size)}")
    rows, columns = -(-height // stride), -(-width // stride)
    # Convert to whole pixels first: integer division is exact on every device.
    column = _pixel(points[:, 0], width) // stride
    row = _pixel(points[:, 1], height) // stride
    # A non-finite head that was not checked makes its cell NaN.
    ones = torch.where(points.isfinite().all(dim=1), 1.0, torch.nan).to(dtype)
    cells = torch.zeros(rows * columns, dtype=dtype, device=points.device)
    return cells.index_add(0, row * columns + column, ones).reshape(rows, columns)


def _pixel(place: Tensor, length: int) -> Tensor:
    return place.to(torch.float64).floor().nan_to_num(0).clamp(0, length - 1).to(torch.int64)
