"""Split a density map into a moderate number of weighted points, and those into parts of equal mass."""

import torch
from torch import Tensor

from crowdkit.ops.pooling import sum_pool

# The most people in an atom: a head then has at least sixteen atoms, and about thirty on average.
_MOST = 1 / 16
# Cells are merged at most this many times, 2 x 2 at a time.
_LEVELS = 5


def atoms(density: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Split a map into weighted points, each with at most a sixteenth of a person.

    Light cells are merged, 2 x 2 at a time, into blocks of up to 32 x 32 cells, as long as a block stays below that
    limit. A block becomes one point at its center of mass: sums and centers of mass stay exact. A heavy cell is split
    into as many squares as needed, with its people spread evenly. There are at most about 128 points per person plus
    one per 32 x 32 cells of background, however fine the map is.

    Args:
        density: People per cell, not negative, float64, shape (h, w).
        stride: Side of a cell in pixels.

    Returns:
        The people of each point, shape (A,), and the points (x, y) in pixels, shape (A, 2).
    """
    x = ((torch.arange(density.shape[1]) + 0.5) * stride).to(density).expand_as(density)
    y = ((torch.arange(density.shape[0]) + 0.5) * stride).to(density)[:, None].expand_as(density)
    levels = [torch.stack([density, density * x, density * y])]
    for _ in range(_LEVELS):
        levels.append(sum_pool(levels[-1], 2))
    merged = []
    for block, above in zip(levels, [*levels[1:], None], strict=True):
        kept = (block[0] > 0) & (block[0] <= _MOST)
        if above is not None:
            parent = above[0].repeat_interleave(2, 0).repeat_interleave(2, 1)
            kept &= parent[: kept.shape[0], : kept.shape[1]] > _MOST
        merged.append(block[:, kept])
    mass, across, down = torch.cat(merged, dim=1)
    cut_mass, cut_places = _cut(density, x, y, stride)
    places = torch.stack([across / mass, down / mass], dim=1)
    return torch.cat([mass, cut_mass]), torch.cat([places, cut_places])


def _cut(density: Tensor, x: Tensor, y: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    heavy = density > _MOST
    people = density[heavy]
    side = (people / _MOST).sqrt().ceil().long()
    squares = side * side
    owner = torch.repeat_interleave(torch.arange(len(side)), squares)
    number = torch.arange(len(owner)) - (squares.cumsum(0) - squares)[owner]
    grid = torch.stack([number % side[owner], number // side[owner]], dim=1)
    offsets = ((grid + 0.5) / side[owner, None] - 0.5) * stride
    centers = torch.stack([x[heavy], y[heavy]], dim=1)
    return (people / squares)[owner], centers[owner] + offsets


def equal_parts(mass: Tensor, places: Tensor, number: int) -> Tensor:
    """Split weighted points into parts of equal mass and return their centers of mass.

    Parts are halved repeatedly across their longer spread; a point on the cut is shared between both sides.

    Args:
        mass: Weights, shape (A,).
        places: The points, shape (A, 2).
        number: Number of parts.

    Returns:
        The centers, shape (number, 2).
    """
    centers = []
    todo = [(mass, places, number)]
    while todo:
        mass, places, number = todo.pop()
        total = mass.sum()
        center = (mass[:, None] * places).sum(dim=0) / total
        if number == 1:
            centers.append(center)
            continue
        across, down = (mass[:, None] * (places - center).square()).sum(dim=0).tolist()
        order = places[:, int(down > across)].argsort(stable=True)
        mass, places = mass[order], places[order]
        running = mass.cumsum(0)
        wanted = running[-1] * (number // 2 / number)
        edge = min(int(torch.searchsorted(running, wanted)), len(mass) - 1)
        near, far = mass[: edge + 1].clone(), mass[edge:].clone()
        far[0] = running[edge] - wanted
        near[-1] = mass[edge] - far[0]
        for part, where, parts in (
            (near, places[: edge + 1], number // 2),
            (far, places[edge:], number - number // 2),
        ):
            held = part > 0
            todo.append((part[held], where[held], parts))
    return torch.stack(centers)
