"""DotDotGoose: points by image and class in one ``.pnt`` file."""

import json
from collections.abc import Sequence
from typing import Any

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source


def _recognize(source: Source) -> bool:
    return {"classes", "points"} <= source.json_keys() and isinstance(source.json["points"], dict)


def _read(source: Source) -> list[ImageHeads]:
    images = []
    for name, classes in source.json["points"].items():
        marks = Marks()
        for label, points in classes.items():
            for point in points:
                marks.point(point["x"], point["y"], label)
        images.append(marks.heads(name))
    return images


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    """Write points by their class; within an image heads come in the order of their classes."""
    classes = list(dict.fromkeys(head.label or "head" for image in images for head in image.heads())) or [
        "head"
    ]
    points: dict[str, dict[str, list[Any]]] = {}
    for image in images:
        by_class = points.setdefault(image.known_name(), {})
        for head in image.heads():
            by_class.setdefault(head.label or "head", []).append({"x": head.x, "y": head.y})
    content = {
        "metadata": {"survey_id": "", "coordinates": {}},
        "classes": classes,
        "colors": {label: [255, 255, 0] for label in classes},
        "points": points,
        "custom_fields": {"fields": [], "data": {}},
        "ui": {
            "grid": {"size": 200, "color": [255, 255, 255]},
            "point": {"radius": 10, "color": [255, 255, 0]},
        },
    }
    return {"survey.pnt": json.dumps(content)}


FORMATS = (
    Format(
        name="dotdotgoose",
        title="DotDotGoose (pnt)",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("sizes",),
    ),
)
