"""LabelMe, and what AnyLabeling writes in its form: a JSON file for each image."""

import json
import math
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks, number, pixels
from crowdkit.data.annotations.source import Source


def _recognize(source: Source) -> bool:
    return "shapes" in source.json_keys()


def _read(source: Source) -> list[ImageHeads]:
    content = source.json
    marks = Marks()
    for shape in content["shapes"]:
        _add(marks, shape)
    size = pixels(content.get("imageHeight"), content.get("imageWidth"))
    return [marks.heads(content.get("imagePath") or None, image_size=size)]


def _add(marks: Marks, shape: dict[str, Any]) -> None:
    label, corners = shape.get("label"), shape["points"]
    match shape.get("shape_type") or "point":
        case "point" | "points":
            for x, y in corners:
                marks.point(x, y, label)
        case "circle":
            (x, y), (edge_x, edge_y) = corners
            radius = math.hypot(number(edge_x) - number(x), number(edge_y) - number(y))
            marks.ellipse(x, y, radius, radius, label)
        case "rectangle" if len(corners) == 2:
            (left, top), (right, bottom) = corners
            marks.box(left, top, right, bottom, label)
        case "rectangle" | "polygon" | "rotation":
            marks.polygon(corners, label)
        case other:
            marks.leave_out(other)


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for image in images:
        height, width = image.known_size()
        shapes = []
        for head in image.heads():
            half = head.size / 2
            boxed = [[head.x - half, head.y - half], [head.x + half, head.y + half]]
            shape: dict[str, Any] = {
                "label": head.label or "head",
                "points": boxed if head.has_size else [[head.x, head.y]],
                "group_id": None,
                "description": "",
                "shape_type": "rectangle" if head.has_size else "point",
                "flags": {},
                "mask": None,
            }
            shapes.append(shape)
        name = image.known_name()
        content: dict[str, Any] = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": PurePosixPath(name).name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        files[str(PurePosixPath(name).with_suffix(".json"))] = json.dumps(content, indent=1)
    return files


FORMATS = (Format(name="labelme", title="LabelMe (JSON)", recognize=_recognize, read=_read, write=_write),)
