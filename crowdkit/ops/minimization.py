"""Optimal transport minimization (OT-M): the set of heads that a density map is cheapest to carry to."""

import math
from typing import Any

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops._atoms import atoms, equal_parts
from crowdkit.ops.checks import check_stride

# The number of nearest points that people may go to, and of potential updates per round. Higher values find the
# same points.
_NEAREST = 8
_STEPS = 10
# Points that move by less than this many pixels have converged.
_STILL = 0.1
# A point that receives fewer people than this stays where it is.
_LEAST = 1e-9


def transport_points(
    density: Tensor,
    *,
    stride: int = 1,
    number: int | None = None,
    entropy: float = 16.0,
    rounds: int = 16,
) -> Tensor:
    r"""Optimal transport minimization (OT-M): place as many points as people, at the least transport cost.

    .. math:: \min_{z_1, \dots, z_N} \min_{P \ge 0} \sum_{mn} P_{mn} \lVert x_m - z_n \rVert^2
        + \epsilon \sum_{mn} P_{mn} \log P_{mn}, \quad \sum_n P_{mn} = a_m,\ \sum_m P_{mn} = 1

    for cells at :math:`x_m` with :math:`a_m` people, scaled to sum to :math:`N`. Two steps alternate: the OT-step
    finds the plan :math:`P` for the points (Sinkhorn's iteration in logarithms), the M-step moves each point to the
    center of what is carried to it. Heads whose peaks have merged still get one point each.

    The entropy sets the assumed shape of a head: with :math:`\epsilon = 2 \sigma^2` the two steps are those of the
    EM algorithm for Gaussians of that sigma, one person each. With a much larger entropy, the points contract.

    The result is deterministic: the initial points are the centers of N parts of equal mass, halved repeatedly
    across their longer spread. Light cells are merged and heavy ones split, into about thirty atoms per head
    whatever the stride, and each atom considers its eight nearest points only: 3,000 heads give 100,000 atoms and
    take some 100 MB and a few seconds on one CPU core. It runs on the CPU for maps on any device.

    Deviations from the authors' code: they draw the initial points at random from the map, anneal the entropy from
    the largest distance down to :math:`\epsilon = 0.64` in these units, and hold all pairs in memory.

    Args:
        density: People per cell, shape :math:`(h, w)`; negative cells count as empty.
        stride: Side of a cell in pixels.
        number: Number of points; ``None`` for the map's count, rounded.
        entropy: :math:`\epsilon` in squared pixels.
        rounds: Maximum number of rounds of the two steps.

    Returns:
        Points (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`, float64, on the
        device of ``density``.

    Raises:
        ShapeError: If ``density`` is not :math:`(h, w)`.
        DTypeError: If ``density`` is not floating point.
        ArgumentError: If a number is outside its range, a cell is not finite, or points are requested of an
            empty map.

    References:
        Lin and Chan. *Optimal Transport Minimization: Crowd Localization on Density Maps for Semi-Supervised
        Counting*. CVPR 2023, section 3 and algorithm 1; ``Elin24/OT-M``.

    Examples:
        >>> import torch
        >>> from crowdkit.ops import find_peaks, splat
        >>> density = splat(torch.tensor([[20.0, 16.0], [26.0, 16.0]]), 4.0, (32, 48))
        >>> len(find_peaks(density[None, None])[0].points)  # two heads, one peak
        1
        >>> transport_points(density, entropy=32.0, rounds=200).sort(dim=0).values.round(decimals=1)
        tensor([[20., 16.],
                [26., 16.]], dtype=torch.float64)
    """
    _check(density, stride, number, entropy, rounds)
    cells = density.detach().to("cpu", torch.float64)
    total = float(cells.sum())
    if not math.isfinite(total):
        raise ArgumentError("density: expected finite numbers, got NaN or infinity; check the model")
    if number is None:
        number = max(0, math.floor(total + 0.5))
    if number == 0:
        return torch.zeros(0, 2, dtype=torch.float64, device=density.device)
    cells = cells.clamp(min=0)
    if not cells.sum() > 0:
        raise ArgumentError(f"number: expected 0 for a map without people, got {number}")
    mass, places = atoms(cells * (number / cells.sum()), stride)
    points = equal_parts(mass, places, number)
    potentials = torch.zeros(number, dtype=torch.float64)
    for _ in range(rounds):
        moved, potentials = _round(mass, places, points, potentials, entropy)
        still = float((moved - points).norm(dim=1).max()) < _STILL
        points = moved
        if still:
            break
    return points.to(density.device)


def _check(density: Tensor, stride: int, number: int | None, entropy: float, rounds: int) -> None:
    if density.ndim != 2 or 0 in density.shape:
        raise ShapeError(
            f"density: expected one map (h, w), got {tuple(density.shape)}; take one with density[index, 0]"
        )
    if not density.is_floating_point():
        raise DTypeError(f"density: expected a floating-point map, got {density.dtype}; call .float()")
    check_stride(stride)
    check_stride(rounds, name="rounds")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise ArgumentError(f"number: expected a whole number >= 0, or None, got {number!r}")
    if not (math.isfinite(entropy) and entropy > 0):
        raise ArgumentError(f"entropy: expected a finite number > 0, got {entropy!r}")


def _round(
    mass: Tensor, places: Tensor, points: Tensor, potentials: Tensor, entropy: float
) -> tuple[Tensor, Tensor]:
    """Take one OT-step and one M-step; return the points and their potentials divided by the entropy."""
    from scipy.spatial import KDTree

    tree: Any = KDTree
    nearest = min(_NEAREST, len(points))
    distance, index = tree(points.numpy()).query(places.numpy(), k=nearest)
    # Neighbors come first, so that each of the few rows is contiguous in memory.
    cost = torch.from_numpy(distance).reshape(-1, nearest).T.contiguous().square() / entropy
    owner = torch.from_numpy(index).reshape(-1, nearest).T.flatten()

    def plan() -> tuple[Tensor, Tensor]:
        carried = (potentials[owner].view_as(cost) - cost).softmax(dim=0) * mass
        return carried, _sums(carried, owner, len(points))

    for _ in range(_STEPS):
        potentials = potentials - plan()[1].clamp(min=_LEAST).log()
    carried, got = plan()
    centers = torch.stack(
        [_sums(carried * places[:, axis], owner, len(points)) / got for axis in (0, 1)], dim=1
    )
    return torch.where(got[:, None] > _LEAST, centers, points), potentials


def _sums(values: Tensor, owner: Tensor, number: int) -> Tensor:
    return torch.zeros(number, dtype=values.dtype).index_add(0, owner, values.flatten())
