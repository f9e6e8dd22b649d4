"""V7 Darwin 2: a JSON file for each image."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from crowdkit.data.annotations.heads import Format, Head, ImageHeads
from crowdkit.data.annotations.marks import Marks, pixels
from crowdkit.data.annotations.skeleton import head_of
from crowdkit.data.annotations.source import Source


def _recognize(source: Source) -> bool:
    return {"item", "annotations"} <= source.json_keys()


def _read(source: Source) -> list[ImageHeads]:
    content = source.json
    marks = Marks()
    for each in content["annotations"]:
        _add(marks, each, source)
    slots = content["item"].get("slots") or [{}]
    size = pixels(slots[0].get("height"), slots[0].get("width"))
    return [marks.heads(content["item"]["name"], image_size=size)]


def _add(marks: Marks, annotation: dict[str, Any], source: Source) -> None:
    label = annotation.get("name")
    if "keypoint" in annotation:
        marks.point(annotation["keypoint"]["x"], annotation["keypoint"]["y"], label)
    elif "skeleton" in annotation:
        seen = {node["name"]: (node["x"], node["y"]) for node in annotation["skeleton"]["nodes"]}
        place = head_of(seen, source)
        if place is None:
            marks.leave_out("skeleton without a point on the head")
        else:
            marks.point(*place, label)
    elif "ellipse" in annotation:
        center, radius = annotation["ellipse"]["center"], annotation["ellipse"]["radius"]
        marks.ellipse(center["x"], center["y"], radius["x"], radius["y"], label)
    elif "bounding_box" in annotation:  # beside an outline, too
        box = annotation["bounding_box"]
        marks.box(box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"], label)
    elif "polygon" in annotation:
        outline = max(annotation["polygon"]["paths"], key=len)
        marks.polygon([(corner["x"], corner["y"]) for corner in outline], label)
    elif "tag" not in annotation:
        kinds = set(annotation) - {"id", "name", "properties", "slot_names", "annotators", "reviewers"}
        marks.leave_out(" or ".join(sorted(kinds)))


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for image in images:
        name = PurePosixPath(image.known_name())
        height, width = image.known_size()
        slot = {
            "type": "image",
            "slot_name": "0",
            "width": width,
            "height": height,
            "source_files": [{"file_name": name.name}],
        }
        content = {
            "version": "2.0",
            "schema_ref": "https://darwin-public.s3.eu-west-1.amazonaws.com/darwin_json/2.0/schema.json",
            "item": {"name": name.name, "path": "/", "slots": [slot]},
            "annotations": [_annotation(place, head) for place, head in enumerate(image.heads())],
        }
        files[str(name.with_suffix(".json"))] = json.dumps(content, indent=1)
    return files


def _annotation(place: int, head: Head) -> dict[str, Any]:
    known = {"id": f"00000000-0000-4000-8000-{place:012d}", "name": head.label or "head", "slot_names": ["0"]}
    if not head.has_size:
        return {**known, "keypoint": {"x": head.x, "y": head.y}}
    left, top = head.x - head.size / 2, head.y - head.size / 2
    return {**known, "bounding_box": {"x": left, "y": top, "w": head.size, "h": head.size}}


FORMATS = (Format(name="darwin", title="V7 Darwin 2 (JSON)", recognize=_recognize, read=_read, write=_write),)
