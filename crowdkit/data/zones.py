"""Zones: named polygons over an image, from JSON."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from crowdkit.errors import CrowdKitError, DataError
from crowdkit.ops import check_polygon


class Zone(NamedTuple):
    """A part of an image in which people are counted.

    Attributes:
        name: Its name.
        polygon: Corners (x, y) along the outline, in continuous pixels of the upright image, shape (K, 2),
            float64. The last is joined to the first.
    """

    name: str
    polygon: Tensor


def read_zones(path: str | Path) -> list[Zone]:
    """Read zones from JSON: a list of corners for each name, or a file that LabelMe wrote.

    The first form is ``{"left": [[0, 0], [512, 0], [512, 768], [0, 768]], "stairs": [...]}``; of LabelMe's shapes,
    polygons and rectangles are read. Zones may overlap; a person in two zones is counted in both.

    Args:
        path: The file.

    Returns:
        The zones in the order of the file.

    Raises:
        DataError: If the file is missing, is not JSON or has another form, if a name is repeated, or if a zone is not
            a polygon: fewer than three corners, or sides that meet.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "zones.json"
        ...     _ = file.write_text('{"left": [[0, 0], [8, 0], [8, 6], [0, 6]]}')
        ...     read_zones(file)[0].name
        'left'
    """
    path = Path(path)
    content = _load(path)
    zones: list[Zone] = []
    for name, corners in _named(content, path):
        if any(zone.name == name for zone in zones):
            raise DataError(f"{path}: expected one zone per name, got {name!r} twice; rename one")
        zones.append(Zone(name, _polygon(name, corners, path)))
    if not zones:
        raise DataError(f"{path}: expected at least one zone, got none; draw one")
    return zones


def fit_zone(zone: Zone, size: tuple[int, int]) -> Zone:
    """Move a zone onto the canvas of an image.

    As with heads, corners less than one pixel outside are moved to the border.

    Args:
        zone: The zone.
        size: Height and width of the image in pixels.

    Returns:
        The zone, with all corners on the canvas.

    Raises:
        DataError: If a corner is further outside, or too little of the zone remains.
    """
    height, width = size
    end = torch.tensor([width, height], dtype=torch.float64)
    outside = ((zone.polygon <= -1) | (zone.polygon >= end + 1)).any(dim=1).nonzero().flatten().tolist()
    if outside:
        x, y = zone.polygon[outside[0]].tolist()
        raise DataError(
            f"zone {zone.name!r}: expected corners on the image, x from 0 to {width} and y from 0 to {height}, got "
            f"({x:g}, {y:g}); zones are in pixels of the image that is counted, {width} wide and {height} high"
        )
    polygon = torch.minimum(zone.polygon.clamp(min=0), end)
    try:
        check_polygon(f"zone {zone.name!r}", polygon)
    except CrowdKitError as error:
        raise DataError(str(error)) from error
    return Zone(zone.name, polygon)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_pairs)
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a file with zones, got no such file; check the path") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON, got a damaged file ({error}); repair it") from error


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the name {twice[0]!r} is repeated in one object")
    return dict(pairs)


def _named(content: Any, path: Path) -> list[tuple[str, Any]]:
    """Return names and corners from either form."""
    if isinstance(content, dict) and isinstance(content.get("shapes"), list):
        return [_of_shape(shape, path) for shape in content["shapes"]]
    if isinstance(content, dict):
        return list(content.items())
    raise DataError(
        f'{path}: expected {{"name": [[x, y], ...]}} or LabelMe\'s shapes, got {type(content).__name__}; '
        "give every zone a name"
    )


def _of_shape(shape: Any, path: Path) -> tuple[str, Any]:
    kind = shape.get("shape_type", "polygon") if isinstance(shape, dict) else None
    corners, name = (shape.get("points"), shape.get("label")) if isinstance(shape, dict) else (None, None)
    if not isinstance(name, str) or kind not in ("polygon", "rectangle"):
        raise DataError(
            f"{path}: expected polygons or rectangles with a label, got {kind!r} called {name!r}; draw it as a polygon"
        )
    if kind == "rectangle" and isinstance(corners, list) and len(corners) == 2:
        (left, top), (right, bottom) = _numbers(name, corners, path).tolist()
        corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return name, corners


def _numbers(name: str, corners: Any, path: Path) -> Tensor:
    pairs = corners if isinstance(corners, list) else [corners]
    for pair in pairs:
        two = isinstance(pair, list) and len(pair) == 2
        if not two or not all(isinstance(each, int | float) and not isinstance(each, bool) for each in pair):
            raise DataError(
                f"{path}: expected a list of corners [x, y] for zone {name!r}, got {pair!r}; correct it"
            )
    return torch.tensor(pairs, dtype=torch.float64).reshape(-1, 2)


def _polygon(name: str, corners: Any, path: Path) -> Tensor:
    polygon = _numbers(name, corners, path)
    # Many programs repeat the first corner at the end.
    if len(polygon) > 3 and torch.equal(polygon[0], polygon[-1]):
        polygon = polygon[:-1]
    try:
        check_polygon(f"{path}: zone {name!r}", polygon)
    except CrowdKitError as error:
        raise DataError(str(error)) from error
    return polygon
