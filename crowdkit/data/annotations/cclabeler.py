"""CCLabeler: points and boxes of one image, and their number."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source


def _recognize(source: Source) -> bool:
    if not {"points", "boxes"} <= source.json_keys():
        return False
    boxes, points = source.json["boxes"], source.json["points"]
    # NWPU-Crowd has the same keys, with lists of numbers for both; without boxes these are plain points.
    return bool(boxes) and all("sx" in each for each in boxes) and all("x" in each for each in points)


def _read(source: Source) -> list[ImageHeads]:
    content = source.json
    marks = Marks()
    for point in content["points"]:
        marks.point(point["x"], point["y"])
    for box in content["boxes"]:
        marks.box(box["sx"], box["sy"], box["ex"], box["ey"])
    return [marks.heads(content.get("img_id"), stated_total=content.get("human_num"))]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for image in images:
        points = [{"x": head.x, "y": head.y} for head in image.heads() if not head.has_size]
        boxes = [
            {
                "sx": head.x - head.size / 2,
                "sy": head.y - head.size / 2,
                "ex": head.x + head.size / 2,
                "ey": head.y + head.size / 2,
            }
            for head in image.heads()
            if head.has_size
        ]
        name = PurePosixPath(image.known_name())
        content = {"img_id": name.name, "human_num": len(image), "boxes": boxes, "points": points}
        files[str(name.with_suffix(".json"))] = json.dumps(content)
    return files


FORMATS = (
    Format(
        name="cclabeler",
        title="CCLabeler (JSON)",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("classes",),
    ),
)
