"""Local maxima of a density map, between the cells."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.ops.checks import check_map, check_stride
from crowdkit.ops.window import gaussian_window, window_filter

# A neighbor below this share of the peak counts as this much where its logarithm is taken.
_LEAST = 1e-6


class Peaks(NamedTuple):
    """The peaks of one map, the highest first.

    Attributes:
        points: Places (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`.
        values: What the map holds there, in people per cell, shape :math:`(N,)`.
    """

    points: Tensor
    values: Tensor


def find_peaks(
    density: Tensor, *, stride: int = 1, threshold: float = 1e-5, share: float = 0.0, smoothing: float = 0.0
) -> list[Peaks]:
    r"""Find the local maxima of density maps, to a fraction of a cell.

    A peak is a cell that none of its eight neighbors exceeds. Of equal cells side by side there is one peak, in
    their middle, unless one of them has a higher neighbor. Along each axis a parabola through the logarithms of
    the cell and its two neighbors then gives the place: exactly that of a Gaussian.

    .. math:: x = s \left( j + \tfrac12 + \frac{\ln D_{j+1} - \ln D_{j-1}}
        {2 (2 \ln D_j - \ln D_{j-1} - \ln D_{j+1})} \right)

    In the outermost cells, where a neighbor is missing, it is the cell's center. A peak is a head only where
    heads stand clear of each other: two Gaussians closer than two of their sigmas have one peak
    (:func:`transport_points` finds both).

    Args:
        density: People per cell, shape :math:`(B, 1, h, w)`.
        stride: Side of a cell in pixels.
        threshold: People per full-resolution pixel that a peak must exceed.
        share: Share of the map's largest value that a peak must exceed, in [0, 1).
        smoothing: Sigma in cells of a Gaussian that the map is averaged under first; 0 for none. It merges the
            peaks that the noise of a network makes of one head, and those of heads that stand close.

    Returns:
        The peaks of each map; those of equal value row by row.

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
        raise ArgumentError(f"threshold: expected a number >= 0 of people per pixel, got {threshold!r}")
    if not 0 <= share < 1:
        raise ArgumentError(f"share: expected a share of the maximum in [0, 1), got {share!r}")
    if not smoothing >= 0:
        raise ArgumentError(f"smoothing: expected a number >= 0 of cells, got {smoothing!r}")
    maps = density.detach().to(torch.float64 if density.dtype == torch.float64 else torch.float32)
    if smoothing:
        radius = int(3 * smoothing + 0.5)
        maps = window_filter(maps, gaussian_window(2 * radius + 1, smoothing), padding="same")
    floor = (share * maps.amax(dim=(2, 3), keepdim=True)).clamp(min=threshold * stride**2)
    top = (maps == F.max_pool2d(maps, 3, stride=1, padding=1)) & (maps > floor)
    # The foot of a plateau whose other end rises: its equal outside the candidates has a higher neighbor.
    rest = F.max_pool2d(maps.masked_fill(top, -torch.inf), 3, stride=1, padding=1)
    image, row, column = top[:, 0].nonzero(as_tuple=True)
    cells = maps[image, 0, row, column]
    groups = _plateaus(top[:, 0], image, row, column)
    rising = torch.zeros_like(groups, dtype=torch.bool)
    rising[groups[rest[image, 0, row, column] == cells]] = True
    places = torch.stack([column, row], dim=1) + 0.5 + _offsets(maps[:, 0], image, row, column)
    return _gather(places * stride, cells, groups, rising[groups], image, len(maps))


def _plateaus(top: Tensor, image: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Number the candidates, (N,); those that touch each other, and so are equal, get their least number."""
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
    """How far from its center the maximum of each cell lies, (N, 2) in cells."""
    # Beyond the edge: NaN, so that the offset is none.
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
    """Make one peak of each plateau, in the middle of its cells' maxima, and sort by value."""
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
