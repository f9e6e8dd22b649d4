"""Where people are: points and zones from a density map."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from crowdkit.counting.ground import canvas
from crowdkit.data import Zone, fit_zone
from crowdkit.errors import ShapeError, check_choice
from crowdkit.ops import check_map, check_stride, find_peaks, polygon_share, transport_points

Method = Literal["transport", "peaks"]
METHODS: tuple[Method, ...] = ("transport", "peaks")


def locate(
    density: Tensor, *, stride: int, size: tuple[int, int] | None = None, method: Method = "transport"
) -> Tensor:
    """Find the people of a density map: a point a head.

    ``"transport"`` gives as many points as the map counts, rounded, placed by optimal transport minimization
    (:func:`~crowdkit.ops.transport_points`); it also parts heads whose peaks have merged. ``"peaks"`` gives the
    map's local maxima (:func:`~crowdkit.ops.find_peaks`), at most as many as the map counts, the highest: quick, and
    good where heads stand clear of each other, but it misses most of a dense crowd.

    Args:
        density: One map in people per cell, shape :math:`(1, 1, h, w)`.
        stride: Side of a cell in pixels.
        size: Height and width of the image; all cells whole if ``None``.
        method: ``"transport"`` or ``"peaks"``.

    Returns:
        Points (x, y) in continuous pixels, on the half-open canvas, shape :math:`(N, 2)`, float32, on the CPU.

    Raises:
        ShapeError: If ``density`` is not one map, or ``size`` does not belong to it.
        UnknownNameError: If ``method`` is neither word.
        ArgumentError: If a cell is not finite.

    Examples:
        >>> import torch
        >>> from crowdkit.targets import density_map
        >>> heads = torch.tensor([[20.0, 16.0], [28.0, 16.0]])
        >>> density = density_map(heads, (32, 50), sigma=4.0, stride=4)[None, None]
        >>> len(locate(density, stride=4, size=(32, 50))), len(locate(density, stride=4, method="peaks"))
        (2, 1)
    """
    extent = _canvas(density, stride, size)
    check_choice("method", method, METHODS)
    plane = density.detach().cpu()
    if method == "transport":
        points = transport_points(plane[0, 0], stride=stride)
    else:
        people = max(0, math.floor(float(plane.double().sum()) + 0.5))
        points = find_peaks(plane, stride=stride)[0].points[:people]
    end = torch.tensor([extent[1], extent[0]], dtype=torch.float32)
    return torch.minimum(points.float(), torch.nextafter(end, torch.zeros_like(end)))


def count_zones(
    density: Tensor, zones: Sequence[Zone], *, stride: int, size: tuple[int, int] | None = None
) -> dict[str, float]:
    """Count the people in each of several zones of an image.

    The people of a cell are taken to be spread evenly over it: a cell that a zone's outline cuts counts by the
    share of its area inside, exactly (:func:`~crowdkit.ops.polygon_share`). Zones that partition the image sum to
    its count.

    Args:
        density: One map in people per cell, shape :math:`(1, 1, h, w)`.
        zones: The zones, in pixels of the image.
        stride: Side of a cell in pixels.
        size: Height and width of the image; all cells whole if ``None``.

    Returns:
        People by the zone's name.

    Raises:
        ShapeError: If ``density`` is not one map, or ``size`` does not belong to it.
        DataError: If a zone lies outside the image.

    Examples:
        >>> import torch
        >>> from crowdkit.data import Zone
        >>> half = Zone("upper left", torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]]))
        >>> count_zones(torch.ones(1, 1, 2, 2), [half], stride=4)
        {'upper left': 2.0}
    """
    extent = _canvas(density, stride, size)
    plane = density.detach()[0, 0].to("cpu", torch.float64)
    fitted = [fit_zone(zone, extent) for zone in zones]
    shares = (polygon_share(zone.polygon, extent, stride=stride) for zone in fitted)
    return {zone.name: float((plane * share).sum()) for zone, share in zip(fitted, shares, strict=True)}


def _canvas(density: Tensor, stride: int, size: tuple[int, int] | None) -> tuple[int, int]:
    check_map("density", density)
    check_stride(stride)
    if len(density) != 1:
        raise ShapeError(f"density: expected one map, got {len(density)}; take one with density[index][None]")
    return canvas(density, stride, size)
