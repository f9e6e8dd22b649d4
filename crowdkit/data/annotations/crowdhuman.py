"""CrowdHuman's ``.odgt``: a JSON object for each image, in a line."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source


def _recognize(source: Source) -> bool:
    return source.kind in ("json", "lines") and "gtboxes" in source.records[0] and "ID" in source.records[0]


def _read(source: Source) -> list[ImageHeads]:
    return [_read_image(record) for record in source.records]


def _read_image(record: dict[str, Any]) -> ImageHeads:
    marks = Marks()
    for person in record["gtboxes"]:
        if person.get("tag") == "mask":  # statues, mirrors, and people whom nobody could tell apart
            marks.leave_out("mask")
            continue
        ignored = [(person.get(key) or {}).get("ignore") for key in ("head_attr", "extra")]
        if any(ignored):
            marks.leave_out("head to be ignored")
            continue
        x, y, width, height = person["hbox"]
        marks.box(x, y, x + width, y + height, person.get("tag"))
    return marks.heads(str(record["ID"]))


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    """Write boxes, of no extent where a head has no size."""
    lines = []
    for image in images:
        people = []
        for head in image.heads():
            side = head.size if head.has_size else 0.0
            box = [head.x - side / 2, head.y - side / 2, side, side]
            people.append(
                {
                    "tag": head.label or "person",
                    "hbox": box,
                    "head_attr": {"ignore": 0},
                    "extra": {"ignore": 0},
                }
            )
        lines.append(
            json.dumps({"ID": str(PurePosixPath(image.known_name()).with_suffix("")), "gtboxes": people})
        )
    return {"annotations.odgt": "".join(f"{line}\n" for line in lines)}


FORMATS = (
    Format(name="crowdhuman", title="CrowdHuman (odgt)", recognize=_recognize, read=_read, write=_write),
)
