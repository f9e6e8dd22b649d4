"""The share of each cell that lies inside a polygon."""

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.ops.checks import check_points, check_stride


def check_polygon(name: str, polygon: Tensor) -> None:
    """Raise unless ``polygon`` has at least three corners (x, y), and sides that touch only at their ends."""
    check_points(name, polygon)
    number = len(polygon)
    if number < 3:
        raise ShapeError(
            f"{name}: expected three corners or more, got {number}; list every corner of the outline"
        )
    corners = polygon.to(torch.float64)
    if not torch.isfinite(corners).all():
        raise ArgumentError(f"{name}: expected finite corners, got NaN or infinity; correct them")
    sides = corners.roll(-1, 0) - corners
    empty = (sides == 0).all(dim=1).nonzero().flatten().tolist()
    if empty:
        raise ArgumentError(
            f"{name}: expected corners that differ from the next, got corner {empty[0] + 1} twice; "
            "list it once, the first corner too (the polygon is closed automatically)"
        )
    found = _crossing(corners, sides)
    if found is not None:
        one, two = (f"{side + 1} to {(side + 1) % number + 1}" for side in found)
        raise ArgumentError(
            f"{name}: expected sides that do not meet, got one from corner {one} that meets the one from {two}; "
            "order the corners along the outline"
        )


def _crossing(corners: Tensor, sides: Tensor) -> tuple[int, int] | None:
    """Return two sides that meet where they should not, if any."""
    number = len(corners)
    ends = corners.roll(-1, 0)
    after = sides.roll(-1, 0)
    # A side that turns back on the one before it.
    back = (_cross(sides, after) == 0) & ((sides * after).sum(dim=1) < 0)
    if back.any():
        first = int(back.nonzero()[0])
        return first, (first + 1) % number

    def around(place: Tensor) -> Tensor:
        return _cross(sides[:, None], place[None] - corners[:, None]).sign()

    # Two sides meet if each has the other's ends on opposite sides and their boxes overlap.
    parted = around(corners) * around(ends) <= 0
    low, high = torch.minimum(corners, ends), torch.maximum(corners, ends)
    boxes = ((low[:, None] <= high[None]) & (low[None] <= high[:, None])).all(dim=-1)
    meet = (parted & parted.T & boxes).triu(2)
    meet[0, number - 1] = False  # neighbors too
    pairs = meet.nonzero()
    return (int(pairs[0, 0]), int(pairs[0, 1])) if len(pairs) else None


def _cross(one: Tensor, two: Tensor) -> Tensor:
    return one[..., 0] * two[..., 1] - one[..., 1] * two[..., 0]


def polygon_share(polygon: Tensor, size: tuple[int, int], *, stride: int = 1) -> Tensor:
    r"""Return the share of each cell's area that lies inside a polygon, exactly.

    .. math:: r_{ij} = \frac{1}{|c_{ij}|} \Big| \sum_k \pm \int_{y \in k}
        \operatorname{clamp}(j + 1 - x_k(y), 0, 1) \, dy \Big|

    over the sides :math:`k` of the polygon in row :math:`i`, in cells: a side adds the part of the cell to its right
    if it goes down, and subtracts it if it goes up. Polygons that share a side share no area and leave no gap, so
    that the shares of zones that partition the canvas sum to 1 in each cell.

    In an incomplete last cell only the part on the image counts, as in :func:`region_share`.

    Args:
        polygon: Corners (x, y) along the outline, in either direction, in continuous pixels of the
            full-resolution canvas, shape :math:`(K, 2)`. The last corner is joined to the first.
        size: Canvas :math:`(H, W)` in pixels.
        stride: Side of a cell in pixels.

    Returns:
        Between 0 and 1, float64, shape :math:`(\lceil H/s \rceil, \lceil W/s \rceil)`, on the device of
        ``polygon``.

    Raises:
        ShapeError: If ``polygon`` is not :math:`(K, 2)` with at least three corners.
        DTypeError: If ``polygon`` is not floating point.
        ArgumentError: If sides meet, a corner is outside the canvas, or ``size`` or ``stride`` is not positive.

    Examples:
        >>> import torch
        >>> polygon_share(torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]), (4, 8), stride=2)
        tensor([[1.0000, 0.5000, 0.0000, 0.0000],
                [0.5000, 0.0000, 0.0000, 0.0000]], dtype=torch.float64)
    """
    check_polygon("polygon", polygon)
    check_stride(stride)
    height, width = size
    if height < 1 or width < 1:
        raise ArgumentError(f"size: expected (H, W) of at least one pixel, got {tuple(size)}")
    corners = polygon.to(torch.float64)
    end = corners.new_tensor([width, height])
    if not ((corners >= 0) & (corners <= end)).all():
        raise ArgumentError(
            f"polygon: expected corners on the canvas, x in [0, {width}] and y in [0, {height}], got some outside; "
            "cut the polygon at the border"
        )
    rows, columns = -(-height // stride), -(-width // stride)
    area = corners.new_zeros(rows, columns)
    for start, stop in zip((corners / stride).tolist(), (corners.roll(-1, 0) / stride).tolist(), strict=True):
        _add_side(area, start, stop)
    high, wide = (
        (length / stride - torch.arange(cells, dtype=torch.float64, device=corners.device)).clamp(max=1)
        for length, cells in ((height, rows), (width, columns))
    )
    return (area.abs() / (high[:, None] * wide)).clamp(max=1)


def _add_side(area: Tensor, start: list[float], stop: list[float]) -> None:
    """Add the part of each cell to the right of a side that goes down; subtract it if the side goes up."""
    (top_x, top), (bottom_x, bottom) = sorted((start, stop), key=lambda corner: corner[1])
    if top == bottom:
        return
    first, last = int(top), min(int(bottom), len(area) - 1)
    row = torch.arange(first, last + 1, dtype=area.dtype, device=area.device)
    upper, lower = row.clamp(min=top), (row + 1).clamp(max=bottom)
    slope = (bottom_x - top_x) / (bottom - top)
    left, right = sorted((top_x, bottom_x))
    ends = torch.stack([top_x + (each - top) * slope for each in (upper, lower)]).clamp(left, right)
    near, far = ends.amin(dim=0)[:, None], ends.amax(dim=0)[:, None]
    edge = torch.arange(1, area.shape[1] + 1, dtype=area.dtype, device=area.device)
    # The mean of clamp(edge - x, 0, 1) while x moves linearly from near to far.
    least, most = edge - far, edge - near
    low, high = least.clamp(0, 1), most.clamp(0, 1)
    whole = (most - least.clamp(min=1)).clamp(min=0)
    span = most - least
    mean = torch.where(span > 0, ((high - low) * (high + low) / 2 + whole) / span, high)
    area[first : last + 1] += mean * (lower - upper)[:, None] * (1 if stop[1] > start[1] else -1)
