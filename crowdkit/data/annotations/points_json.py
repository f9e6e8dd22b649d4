"""Points in plain JSON: of one image, of many by their names, or of one in each line."""

import json
from collections.abc import Sequence
from typing import Any

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks, pixels
from crowdkit.data.annotations.names import is_image_name
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError

_POINTS = ("points", "heads", "keypoints", "annotations", "locations")
_NAMES = (
    "file_name",
    "filename",
    "image",
    "img",
    "image_path",
    "img_path",
    "img_id",
    "image_id",
    "name",
    "path",
)

# COCO, Darwin and DotDotGoose use the same words.
_OTHERS = ({"images", "annotations"}, {"item", "annotations"}, {"classes", "points"})


def _recognize(source: Source) -> bool:
    """Take lists of pairs and what holds one, so that a wrong pair is reported as what it is."""
    if source.kind not in ("json", "lines"):
        return False
    content = source.records[0]
    if isinstance(content, list):
        return not content or _is_point(content[0])
    if (
        not isinstance(content, dict)
        or any(keys <= set(content) for keys in _OTHERS)
        or _has_corners(content)
    ):
        return False
    return _has_points(content) or (source.kind == "json" and _is_by_name(content))


def _is_by_name(content: dict[str, Any]) -> bool:
    """Tell whether this is a table of images, each with its points."""
    if not all(isinstance(each, list | dict) for each in content.values()):
        return False
    # An empty list is an image without people only behind the name of an image.
    return any(_is_points(each) and (each or is_image_name(name)) for name, each in content.items())


def _is_point(value: Any) -> bool:
    if isinstance(value, dict):
        return {"x", "y"} <= set(value) or "x" in value
    return isinstance(value, int | float | list) and not isinstance(value, bool)


def _has_points(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return any(
        isinstance(value.get(key), list) and all(map(_is_point, value[key][:1])) for key in _POINTS
    ) or isinstance((value.get("objects") or {}).get("bbox"), list)


def _has_corners(value: dict[str, Any]) -> bool:
    """Tell whether boxes stand beside the points, as CCLabeler writes them; their heads would be lost."""
    boxes = value.get("boxes")
    return isinstance(boxes, list) and any(isinstance(each, dict) and "sx" in each for each in boxes)


def _is_points(value: Any) -> bool:
    """Tell whether this is what stands behind the name of an image."""
    if isinstance(value, dict):
        return _has_points(value)
    return isinstance(value, list) and (
        not value or (_is_point(value[0]) and not isinstance(value[0], int | float))
    )


def _read(source: Source) -> list[ImageHeads]:
    if source.kind == "lines":
        return [_read_image(record, source, in_line=True) for record in source.records]
    content = source.json
    if isinstance(content, list) or _has_points(content):
        return [_read_image(content, source)]
    return [
        _read_image(points, source, name=name)
        for name, points in content.items()
        if isinstance(points, list | dict)
    ]


def _read_image(
    content: Any, source: Source, *, name: str | None = None, in_line: bool = False
) -> ImageHeads:
    known: dict[str, Any] = {}
    if isinstance(content, dict):
        if name is None:
            name = next((str(content[key]) for key in _NAMES if content.get(key)), None)
        known = {"stated_total": _total(content), "image_size": _size(content)}
        boxes = (content.get("objects") or {}).get("bbox")
        points = next((content[key] for key in _POINTS if isinstance(content.get(key), list)), None)
        if points is None and boxes is None:
            raise KeyError("points")
    else:
        points, boxes = content, None
    if in_line and name is None:
        raise DataError(f"{source.path}: expected an image's name in each line, got none; add 'file_name'")
    marks = Marks()
    for x, y, width, height in boxes or []:  # as in Hugging Face's folders
        marks.box(x, y, x + width, y + height)
    for place, point in enumerate(points or []):
        _add(marks, point, place, source)
    return marks.heads(name, **known)


def _add(marks: Marks, point: Any, place: int, source: Source) -> None:
    label = None
    if isinstance(point, dict):
        if {"width", "height"} <= set(point) or {"w", "h"} <= set(point):
            raise DataError(
                f"{source.path}: expected points, got boxes of x, y, width and height, of which x and y may be a "
                "corner or the center; write points, or COCO"
            )
        label = point.get("label", point.get("class"))
        point = (point.get("x"), point.get("y"))
    numbers = isinstance(point, list | tuple) and all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in point
    )
    if not numbers or len(point) != 2:
        raise DataError(
            f"{source.path}: expected two numbers for each point, got {str(point)[:60]} as point {place}; correct it"
        )
    marks.point(point[0], point[1], label)


def _total(content: dict[str, Any]) -> int | None:
    total = next((content[key] for key in ("human_num", "count", "num", "number") if key in content), None)
    return total if isinstance(total, int) else None


def _size(content: dict[str, Any]) -> tuple[int, int] | None:
    if "ratio_h" in content:  # FSC-147 writes the size that the image had before it was made smaller
        return None
    for height, width in (("height", "width"), ("H", "W"), ("image_height", "image_width")):
        if height in content and width in content:
            return pixels(content[height], content[width])
    return None


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    content = {}
    for image in images:
        entry: dict[str, Any] = {"points": image.points.tolist()}
        if image.image_size is not None:
            entry |= {"height": image.image_size[0], "width": image.image_size[1]}
        if image.labels:
            points = [{"x": head.x, "y": head.y, "label": head.label} for head in image.heads()]
            entry["points"] = points
        content[image.known_name()] = entry
    return {"annotations.json": json.dumps(content, indent=1)}


FORMATS = (
    Format(
        name="points",
        title="points in JSON or JSON lines",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("sizes",),
    ),
)
