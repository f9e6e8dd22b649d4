"""Local maxima of a density map, with subcell accuracy."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.ops.checks import check_map, check_stride
from crowdkit.ops.window import gaussian_window, window_filter

# A neighbor below this share of the peak is raised to it before the logarithm.
_LEAST = 1e-6


class Peaks(NamedTuple):
    """The peaks of one map, in descending order of value.

    Attributes:
        points: Positions (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`.
        values: Values of the map at the peaks, in people per cell, shape :math:`(N,)`.
    """

    points: Tensor
    values: Tensor


def find_peaks(
    density: Tensor, *, stride: int = 1, threshold: float = 1e-5, share: float = 0.0, smoothing: float = 0.0
) -> list[Peaks]:
    r"""Find the local maxima of density maps, with subcell accuracy.

    A peak is a cell that none of its eight neighbors exceeds. Adjacent cells of equal value form one peak at their
    middle, unless one of them has a higher neighbor. Along each axis, a parabola through the logarithms of the cell
    and its two neighbors then locates the peak, which is exact for a Gaussian.

    .. math:: x = s \left( j + \tfrac12 + \frac{\ln D_{j+1} - \ln D_{j-1}}
        {2 (2 \ln D_j - \ln D_{j-1} - \ln D_{j+1})} \right)

    In the outermost cells, where a neighbor is missing, the peak is at the cell's center. Peaks stand for heads
    only where heads are well separated: two Gaussians closer than two sigmas have one peak
    (:func:`transport_points` finds both).

    Args:
        density: People per cell, shape :math:`(B, 1, h, w)`.
        stride: Side of a cell in pixels.
        threshold: People per full-resolution pixel that a peak must exceed.
        share: Share of the map's largest value that a peak must exceed, in [0, 1).
        smoothing: Sigma, in cells, of a Gaussian that smooths the map first; 0 for none. It merges the several
            noisy peaks of one head, but also those of heads that are close together.

    Returns:
        The peaks of each map; peaks of equal value are in row order.

    Raises:
        ShapeError: If ``density`` is not :math:`(B, 1, h, w)`.
        DTypeError: If ``density`` is not floating point.
        ArgumentError: If a number is outside its range.

    Examples:
        >>> import torch
        >>> from crowdkit.ops import splat
        >>> heads = torch.tensor([[21.3, 8.9], [40.0, 24.0]])
        >>> [peaks] = find_peaks(splat(heads, 5.0, (32, 64), stride=2)[None, None], stride=2)
        >>> peaks.points.sort(dim=0).values.round(decimals=2)
        tensor([[21.3000,  8.9000],
                [40.0000, 24.0000]])
    """
    check_map("density", density)
    check_stride(stride)
    if not threshold >= 0:
        raise ArgumentError(f"threshold: expected a number of people per pixel >= 0, got {threshold!r}")
    if not 0 <= share < 1:
        raise ArgumentError(f"share: expected a share of the maximum in [0, 1), got {share!r}")
    if not smoothing >= 0:
        raise ArgumentError(f"smoothing: expected a number of cells >= 0, got {smoothing!r}")
    maps = density.detach().to(torch.float64 if density.dtype == torch.float64 else torch.float32)
    if smoothing:
        radius = int(3 * smoothing + 0.5)
        maps = window_filter(maps, gaussian_window(2 * radius + 1, smoothing), padding="same")
    floor = (share * maps.amax(dim=(2, 3), keepdim=True)).clamp(min=threshold * stride**2)
    top = (maps == F.max_pool2d(maps, 3, stride=1, padding=1)) & (maps > floor)
    # The foot of a plateau whose other end rises: an equal cell outside the candidates has a higher neighbor.
    rest = F.max_pool2d(maps.masked_fill(top, -torch.inf), 3, stride=1, padding=1)
    image, row, column = top[:, 0].nonzero(as_tuple=True)
    cells = maps[image, 0, row, column]
    groups = _plateaus(top[:, 0], image, row, column)
    rising = torch.zeros_like(groups, dtype=torch.bool)
    rising[groups[rest[image, 0, row, column] == cells]] = True
    places = torch.stack([column, row], dim=1) + 0.5 + _offsets(maps[:, 0], image, row, column)
    return _gather(places * stride, cells, groups, rising[groups], image, len(maps))


def _plateaus(top: Tensor, image: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Label the candidates, (N,): touching ones, which are equal, share their smallest index."""
    numbers = torch.arange(len(row), device=row.device)
    serial = F.pad(torch.full(top.shape, -1, device=row.device), (1, 1, 1, 1), value=-1)
    serial[image, row + 1, column + 1] = numbers
    pairs = []
    for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
        other = serial[image, row + 1 + down, column + 1 + right]
        pairs.append(torch.stack([numbers, other])[:, other >= 0])
    one, two = torch.cat(pairs, dim=1)
    groups = numbers
    while len(one):
        least = torch.minimum(groups[one], groups[two])
        joined = groups.scatter_reduce(0, groups[one], least, "amin").scatter_reduce(
            0, groups[two], least, "amin"
        )
        joined = joined[joined[groups]]
        if torch.equal(joined, groups):
            break
        groups = joined
    return groups


def _offsets(maps: Tensor, image: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Offset of each cell's maximum from its center, (N, 2) in cells."""
    # NaN beyond the edge makes the offset 0.
    padded = F.pad(maps, (1, 1, 1, 1), value=torch.nan)
    here = padded[image, row + 1, column + 1]
    found = []
    for down, right in ((0, 1), (1, 0)):
        before = padded[image, row + 1 - down, column + 1 - right]
        after = padded[image, row + 1 + down, column + 1 + right]
        fall, rise = ((each / here).clamp(min=_LEAST).log() for each in (before, after))
        offset = (rise - fall) / (-2 * (fall + rise))
        found.append(offset.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).clamp(-0.5, 0.5))
    return torch.stack(found, dim=1)


def _gather(
    places: Tensor, cells: Tensor, groups: Tensor, rising: Tensor, image: Tensor, images: int
) -> list[Peaks]:
    """Reduce each plateau to one peak, in the middle of its cells' maxima, and sort by value."""
    members = torch.zeros_like(cells).index_add(0, groups, torch.ones_like(cells))
    sums = torch.zeros_like(places).index_add(0, groups, places)
    kept = (groups == torch.arange(len(groups), device=groups.device)) & ~rising
    points, values, owner = (sums / members[:, None])[kept], cells[kept], image[kept]
    peaks = []
    for each in range(images):
        own = values[owner == each]
        order = own.argsort(descending=True, stable=True)
        peaks.append(Peaks(points[owner == each][order], own[order]))
    return peaks
