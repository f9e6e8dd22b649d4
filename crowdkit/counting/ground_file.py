"""The ground from a JSON file."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crowdkit.counting.ground import Ground
from crowdkit.errors import CrowdKitError, DataError, check_choice

_KEYS = ("points", "rectangle", "heads", "camera", "size")


def read_ground(path: str | Path) -> Ground:
    """Read the ground of a camera from JSON.

    Four or more marks, or a rectangle of known sides::

        {"points": [{"pixel": [412, 700], "meters": [0, 0]}, ...]}
        {"rectangle": {"pixels": [[412, 700], [880, 702], [760, 350], [500, 348]], "meters": [12, 20]}}

    Marks on the ground are below the heads. With ``"heads": 1.6``, the plane is raised to that height in meters
    (:meth:`Ground.raised`); then the camera must be known: ``"camera": [x, y, height]`` in meters, or the size of the
    picture, ``"size": [width, height]`` in pixels, from which the camera is estimated (:meth:`Ground.camera`).

    Args:
        path: The file.

    Returns:
        The ground.

    Raises:
        DataError: If the file is missing, no JSON, or of another form, or the marks are degenerate or crossed.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "ground.json"
        ...     _ = file.write_text('{"rectangle": {"pixels": [[0, 8], [8, 8], [6, 2], [2, 2]], "meters": [4, 9]}}')
        ...     read_ground(file).residual < 1e-9
        True
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a file with marks, got no such file; check the path") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON, got a damaged file ({error}); repair it") from error
    try:
        return _ground(content)
    except CrowdKitError as error:
        raise DataError(f"{path}: {error}") from error


def _ground(content: Any) -> Ground:
    if not isinstance(content, dict) or ("points" in content) == ("rectangle" in content):
        raise DataError(
            'expected {"points": [...]} or {"rectangle": {...}}, got neither or both; mark the ground'
        )
    for key in content:
        check_choice("key", key, _KEYS)
    ground = _marked(content)
    if "heads" not in content:
        return ground
    [heads] = _numbers("heads", [content["heads"]], 1)
    if "camera" in content:
        return ground.raised(heads, camera=_numbers("camera", content["camera"], 3))
    if "size" not in content:
        raise DataError(
            'heads: expected "camera": [x, y, height] or "size": [width, height] too, got neither; add one'
        )
    width, height = _numbers("size", content["size"], 2)
    return ground.raised(heads, camera=ground.camera((round(height), round(width))))


def _marked(content: dict[str, Any]) -> Ground:
    if "rectangle" in content:
        sides = content["rectangle"]
        if not isinstance(sides, dict) or set(sides) != {"pixels", "meters"}:
            raise DataError(
                'rectangle: expected {"pixels": [[x, y], ...], "meters": [width, depth]}, got another form'
            )
        width, depth = _numbers("rectangle meters", sides["meters"], 2)
        return Ground.rectangle(_pairs("rectangle pixels", sides["pixels"]), width, depth)
    marks = content["points"]
    if not isinstance(marks, list) or not all(
        isinstance(mark, dict) and {"pixel", "meters"} <= set(mark) for mark in marks
    ):
        raise DataError('points: expected [{"pixel": [x, y], "meters": [x, y]}, ...], got another form')
    pixels, meters = (_pairs(f"points {key}", [mark[key] for mark in marks]) for key in ("pixel", "meters"))
    return Ground.fit(pixels, meters)


def _pairs(name: str, rows: Any) -> Tensor:
    listed = rows if isinstance(rows, list) else [rows]
    return torch.tensor([_numbers(name, row, 2) for row in listed], dtype=torch.float64).reshape(-1, 2)


def _numbers(name: str, values: Any, length: int) -> list[float]:
    listed = values if isinstance(values, list) else [values]
    if len(listed) != length or not all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in listed
    ):
        raise DataError(f"{name}: expected {length} numbers, got {values!r}; correct it")
    return [float(each) for each in listed]
