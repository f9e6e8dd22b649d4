"""The worst square meter: where on the ground people stand closest."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.counting.ground import Ground, canvas
from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.ops import check_map, check_stride

_STEPS = 4  # bins of the ground along the side of a square
_SAMPLES = 6  # places along the side of a cell


class Worst(NamedTuple):
    """The square of ground with the most people.

    Attributes:
        density: People per square meter in it.
        meters: Its middle on the ground (x, y).
        pixel: The same place in the picture (x, y).
    """

    density: float
    meters: tuple[float, float]
    pixel: tuple[float, float]


class SquareMeters:
    """Look for the worst square meter of maps of one size.

    A cell may be much smaller than a square meter near the camera, and its figure that of one head. People are
    therefore gathered over squares of ground, which start every quarter of their side; people of a cell are taken to
    be spread evenly over it. Where a cell is larger than a square, the map cannot tell one square from the next, and
    nothing is looked for. Squares that reach beyond the picture count the people seen.

    Args:
        ground: The ground, best at the height of heads (:meth:`Ground.raised`).
        size: Height and width of the picture.
        stride: Side of a cell of the map in pixels.
        side: Side of the squares in meters.

    Raises:
        ArgumentError: If ``side`` is not positive, or no cell is smaller than a square.

    Examples:
        >>> import torch
        >>> square = torch.tensor([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]])
        >>> squares = SquareMeters(Ground.rectangle(square, width=4.0, depth=4.0), (8, 8), stride=1)
        >>> density = torch.zeros(1, 1, 8, 8)
        >>> density[0, 0, 2:6, 4:6] = 0.5
        >>> worst = squares(density)
        >>> worst.density, worst.meters
        (2.0, (2.5, 1.5))
    """

    def __init__(self, ground: Ground, size: tuple[int, int], *, stride: int, side: float = 1.0) -> None:
        check_stride(stride)
        if not side > 0:
            raise ArgumentError(f"side: expected meters > 0, got {side}")
        self.ground, self.size, self.stride, self.side = ground, size, stride, side
        area = ground.area(size, stride=stride)
        cells = ((area <= side**2) & ~area.isnan()).flatten().nonzero().flatten()
        if len(cells) == 0:
            smallest = float(area.nan_to_num(torch.inf).min())
            raise ArgumentError(
                f"side: expected squares larger than the smallest cell, {smallest:.3g} m2, "
                f"got {side**2:g} m2; look for larger squares"
            )
        places = ground.to_meters(_samples(cells, size, stride))
        bins = (places * (_STEPS / side)).floor().long()
        self._low = bins.amin(dim=0) - (_STEPS - 1)
        columns, rows = (bins.amax(dim=0) - self._low + _STEPS).tolist()
        self._shape = (rows, columns)
        bins -= self._low
        key = (bins[:, 1] * columns + bins[:, 0]) * area.numel() + cells.repeat_interleave(_SAMPLES**2)
        # Places of one cell in one bin are one entry.
        key, number = key.unique(return_counts=True)
        self._bin, self._cell = key // area.numel(), key % area.numel()
        self._share = number.double() / _SAMPLES**2

    def __call__(self, density: Tensor) -> Worst:
        """Find the worst square meter of a map, shape (1, 1, h, w), in people per cell."""
        check_map("density", density)
        if len(density) != 1:
            raise ShapeError(
                f"density: expected one map, got {len(density)}; take one with density[index][None]"
            )
        canvas(density, self.stride, self.size)
        people = density.detach().double().cpu().flatten()[self._cell] * self._share
        ground = people.new_zeros(self._shape[0] * self._shape[1]).index_add_(0, self._bin, people)
        squares = F.avg_pool2d(ground.view(1, 1, *self._shape), _STEPS, stride=1) * _STEPS**2 / self.side**2
        first = int(squares.argmax())
        corner = torch.tensor([first % squares.shape[-1], first // squares.shape[-1]]) + self._low
        middle = (corner + _STEPS / 2).double() * (self.side / _STEPS)
        x, y = middle.tolist()
        u, v = self.ground.to_pixels(middle[None])[0].tolist()
        return Worst(float(squares.max()), (x, y), (u, v))


def _samples(cells: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """Return places spread evenly over cells, shape (cells * samples, 2)."""
    columns = -(-size[1] // stride)
    corner = torch.stack([cells % columns, cells // columns], dim=1).double() * stride
    extent = torch.minimum(corner + stride, torch.tensor([size[1], size[0]])) - corner
    step = (torch.arange(_SAMPLES, dtype=torch.float64) + 0.5) / _SAMPLES
    within = torch.cartesian_prod(step, step)
    return (corner[:, None] + extent[:, None] * within).reshape(-1, 2)
