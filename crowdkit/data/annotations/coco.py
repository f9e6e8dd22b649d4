"""COCO, as CVAT, Roboflow, Label Studio and many others export it: boxes, outlines, key points."""

import json
from collections.abc import Sequence
from typing import Any

from crowdkit.data.annotations.heads import Format, Head, ImageHeads
from crowdkit.data.annotations.marks import Marks, pixels
from crowdkit.data.annotations.skeleton import head_of
from crowdkit.data.annotations.source import Source

# COCO's own first five, in a file that does not name its key points.
_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")


def _recognize(source: Source) -> bool:
    return {"images", "annotations"} <= source.json_keys() and isinstance(source.json["images"], list)


def _read(source: Source) -> list[ImageHeads]:
    content = source.json
    # Some tools write ids as texts in one place and as numbers in another.
    categories = {str(each["id"]): each for each in content.get("categories") or []}
    images = {str(each["id"]): each for each in content["images"]}
    marks = {key: Marks() for key in images}
    for each in content["annotations"]:
        key = str(each["image_id"])
        if key not in marks:
            raise ValueError(f"expected the id of an image, got {each['image_id']!r} in an annotation")
        if each.get("iscrowd"):
            marks[key].region()
            continue
        category = str(each.get("category_id", ""))
        declared = categories.get(category, {})
        _add(marks[key], each, declared, declared.get("name", category), source)
    return [
        marks[key].heads(_name(image), image_size=pixels(image.get("height"), image.get("width")))
        for key, image in images.items()
    ]


def _name(image: dict[str, Any]) -> str:
    name = image["file_name"]
    if not isinstance(name, str):
        raise ValueError(f"expected a file_name, got {name!r}")  # noqa: TRY004 (a value of the file)
    return name


def _add(
    marks: Marks, annotation: dict[str, Any], category: dict[str, Any], label: str, source: Source
) -> None:
    flat = annotation.get("keypoints") or []
    names = category.get("keypoints") or _FACE
    triples = zip(flat[0::3], flat[1::3], flat[2::3], strict=True)
    seen = {name: (x, y) for name, (x, y, visible) in zip(names, triples, strict=False) if visible}
    place = head_of(seen, source)
    box = annotation.get("bbox")
    if box:
        x, y, width, height = box
    if place is not None:
        size = (
            (width * height) ** 0.5 if box and len(names) == 1 and width > 0 and height > 0 else float("nan")
        )
        marks.point(*place, label, size=size)
    elif box:
        marks.box(x, y, x + width, y + height, label)
    elif isinstance(annotation.get("segmentation"), list) and annotation["segmentation"]:
        outline = max(annotation["segmentation"], key=len)
        marks.polygon(list(zip(outline[0::2], outline[1::2], strict=True)), label)
    elif annotation.get("segmentation") or flat:
        marks.leave_out("body without a visible key point on the head" if flat else "mask of pixels")
    else:
        raise KeyError("bbox")


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    labels = sorted({head.label or "head" for image in images for head in image.heads()}) or ["head"]
    numbers = {label: place for place, label in enumerate(labels, start=1)}
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        height, width = image.known_size()
        listed.append({"id": number, "file_name": image.known_name(), "height": height, "width": width})
        for head in image.heads():
            side = head.size if head.has_size else 0.0
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": numbers[head.label or "head"],
                    "bbox": [head.x - side / 2, head.y - side / 2, side, side],
                    "area": side * side,
                    "iscrowd": 0,
                    "segmentation": [],
                    **_keypoint(head),
                }
            )
    categories = [
        {"id": number, "name": label, "supercategory": "", "keypoints": ["head"], "skeleton": []}
        for label, number in numbers.items()
    ]
    content = {"images": listed, "annotations": annotations, "categories": categories}
    return {"annotations.json": json.dumps(content, indent=1)}


def _keypoint(head: Head) -> dict[str, Any]:
    return {"keypoints": [head.x, head.y, 2], "num_keypoints": 1}


FORMATS = (
    Format(name="coco", title="COCO (JSON), also Roboflow's", recognize=_recognize, read=_read, write=_write),
)
