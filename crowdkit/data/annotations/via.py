"""VGG Image Annotator 1 and 2: projects, JSON and CSV."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from crowdkit.data.annotations.heads import Format, Head, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source

_COLUMNS = (
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
)
_CLASS = ("label", "class", "name", "type", "category", "species")


def _recognize_json(source: Source) -> bool:
    if "_via_img_metadata" in source.json_keys():
        return True
    images = list(source.json.values()) if source.json_keys() else []
    return bool(images) and all(
        isinstance(each, dict) and {"filename", "regions"} <= set(each) for each in images
    )


def _read_json(source: Source) -> list[ImageHeads]:
    content = source.json
    images = content.get("_via_img_metadata", content)
    return [_read_image(image) for image in images.values()]


def _read_image(image: dict[str, Any]) -> ImageHeads:
    regions = image["regions"]
    marks = Marks()
    for region in regions.values() if isinstance(regions, dict) else regions:
        _add(marks, region["shape_attributes"], region.get("region_attributes") or {})
    return marks.heads(image["filename"])


def _recognize_csv(source: Source) -> bool:
    return {"region_shape_attributes", "region_count"} <= {each.lstrip("#") for each in source.columns()}


def _read_csv(source: Source) -> list[ImageHeads]:
    table = source.table
    header = [each.lstrip("#") for each in table.header or []]
    images: dict[str, Marks] = {}
    totals: dict[str, int] = {}
    for _, row in table.rows:
        cells = dict(zip(header, row, strict=False))
        marks = images.setdefault(cells["filename"], Marks())
        if cells["region_count"].isdecimal():
            totals[cells["filename"]] = int(cells["region_count"])
        shape = json.loads(cells["region_shape_attributes"] or "{}")
        if shape:
            _add(marks, shape, json.loads(cells.get("region_attributes") or "{}"))
    return [_with_total(marks.heads(name), totals.get(name)) for name, marks in images.items()]


def _with_total(image: ImageHeads, regions: int | None) -> ImageHeads:
    from dataclasses import replace

    left_out = sum(image.left_out.values())
    return replace(image, stated_total=None if regions is None else regions - left_out)


def _add(marks: Marks, shape: dict[str, Any], attributes: dict[str, Any]) -> None:
    label = _label(attributes)
    match shape.get("name"):
        case "point":
            marks.point(shape["cx"], shape["cy"], label)
        case "rect":
            x, y = shape["x"], shape["y"]
            marks.box(x, y, x + shape["width"], y + shape["height"], label)
        case "circle":
            marks.ellipse(shape["cx"], shape["cy"], shape["r"], shape["r"], label)
        case "ellipse":
            marks.ellipse(shape["cx"], shape["cy"], shape["rx"], shape["ry"], label)
        case "polygon":
            marks.polygon(list(zip(shape["all_points_x"], shape["all_points_y"], strict=True)), label)
        case other:
            marks.leave_out(other)


def _label(attributes: dict[str, Any]) -> str:
    """Return the class among a region's attributes: the only one, or the one called so."""
    named = {key.lower(): value for key, value in attributes.items()}
    key = next((each for each in _CLASS if each in named), next(iter(named)) if len(named) == 1 else None)
    value = None if key is None else named[key]
    if isinstance(value, dict):  # boxes to tick
        value = " ".join(name for name, ticked in value.items() if ticked)
    return "" if value is None else str(value)


def _shape(head: Head) -> dict[str, Any]:
    if not head.has_size:
        return {"name": "point", "cx": head.x, "cy": head.y}
    left, top = head.x - head.size / 2, head.y - head.size / 2
    return {"name": "rect", "x": left, "y": top, "width": head.size, "height": head.size}


def _attributes(head: Head) -> dict[str, str]:
    return {"label": head.label} if head.label else {}


def _write_json(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    content = {}
    for image in images:
        regions = [
            {"shape_attributes": _shape(head), "region_attributes": _attributes(head)}
            for head in image.heads()
        ]
        name = image.known_name()
        content[f"{name}-1"] = {"filename": name, "size": -1, "regions": regions, "file_attributes": {}}
    return {"via.json": json.dumps(content, indent=1)}


def _write_csv(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for image in images:
        rows: Iterable[list[Any]] = [
            [number, json.dumps(_shape(head)), json.dumps(_attributes(head))]
            for number, head in enumerate(image.heads())
        ] or [[0, "{}", "{}"]]
        for row in rows:
            writer.writerow([image.known_name(), -1, "{}", len(image), *row])
    return {"via.csv": text.getvalue()}


FORMATS = (
    Format(
        name="via", title="VIA (project, JSON)", recognize=_recognize_json, read=_read_json, write=_write_json
    ),
    Format(name="via_csv", title="VIA (CSV)", recognize=_recognize_csv, read=_read_csv, write=_write_csv),
)
