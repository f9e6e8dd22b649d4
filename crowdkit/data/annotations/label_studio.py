"""Label Studio: JSON and JSON-MIN."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks, number, pixels
from crowdkit.data.annotations.names import image_in
from crowdkit.data.annotations.source import Source

_WORK = ("annotations", "completions", "predictions")
_SHAPES = ("keypoint", "rectangle", "ellipse", "polygon")


def _recognize(source: Source) -> bool:
    tasks = source.json if source.kind == "json" else None
    tasks = [tasks] if isinstance(tasks, dict) else tasks
    if not isinstance(tasks, list) or not tasks or not all(isinstance(each, dict) for each in tasks):
        return False
    return all("data" in each and any(key in each for key in _WORK) for each in tasks) or any(
        _is_result(mark) for each in tasks for mark in _minimal(each)
    )


def _read(source: Source) -> list[ImageHeads]:
    tasks = [source.json] if isinstance(source.json, dict) else source.json
    images = []
    for task in tasks:
        if "data" not in task:
            images.append(_read_results(image_in(task), list(_minimal(task))))
            continue
        results, others = _work(task)
        if results is not None:  # otherwise nobody has annotated it yet
            images.append(_read_results(image_in(task["data"]), results, others))
    return images


def _work(task: dict[str, Any]) -> tuple[list[Any] | None, int]:
    """Return the results of one annotator and how many others there are; before any, a model's."""
    done = [
        each
        for each in task.get("annotations") or task.get("completions") or []
        if not each.get("was_cancelled")
    ]
    if done:
        chosen = next((each for each in done if each.get("ground_truth")), done[-1])
        return chosen["result"], len(done) - 1
    drawn = task.get("predictions") or []
    return (drawn[-1]["result"], 0) if drawn else (None, 0)


def _minimal(task: dict[str, Any]) -> Iterator[Any]:
    """Go through what JSON-MIN writes of a task, each control's marks under its own name."""
    for value in task.values():
        if isinstance(value, list):
            yield from (mark for mark in value if isinstance(mark, dict))


def _is_result(mark: dict[str, Any]) -> bool:
    return "original_width" in mark and ("x" in mark or "points" in mark)


def _read_results(name: str | None, results: list[Any], others: int = 0) -> ImageHeads:
    marks, size = Marks(), None
    if others:
        marks.leave_out("annotation of the same image by somebody else", others)
    # A shape and its label may be two results with one id.
    shapes: dict[Any, dict[str, Any]] = {}
    for place, mark in enumerate(results):
        value = mark.get("value", mark)
        kind = _kind(mark, value)
        shape = shapes.setdefault(mark.get("id", place), {"kind": "", "label": ""})
        labels: list[Any] = next((value[key] for key in (f"{kind}labels", "labels") if value.get(key)), [])
        shape["label"] = shape["label"] or (labels[0] if labels else "")
        if kind in _SHAPES or not shape["kind"]:
            shape |= {"kind": kind, "value": value, "turn": mark.get("image_rotation") or 0}
        size = size or pixels(mark.get("original_height"), mark.get("original_width"))
    for shape in shapes.values():
        if shape["kind"] in _SHAPES:
            _add(marks, shape, size)
        elif "x" in shape["value"] or "points" in shape["value"] or "rle" in shape["value"]:
            marks.leave_out(shape["kind"])
    return marks.heads(name, image_size=size, unit="percent")


def _kind(mark: dict[str, Any], value: dict[str, Any]) -> str:
    """Return what a mark is; JSON-MIN says it in the name of its labels, or not at all."""
    said = str(mark.get("type", "")).removesuffix("labels")
    said = said or next((each for each in _SHAPES if f"{each}labels" in value), "")
    if said or "labels" not in value:
        return said
    if "points" in value:
        return "polygon"
    if "radiusX" in value:
        return "ellipse"
    return "rectangle" if "height" in value else "keypoint"


def _add(marks: Marks, shape: dict[str, Any], size: tuple[int, int] | None) -> None:
    value, label, turn = shape["value"], shape["label"], shape["turn"]
    if turn not in (0, 90, 180, 270):
        raise ValueError(f"expected an image_rotation of 0, 90, 180 or 270, got {turn!r}")
    match shape["kind"]:
        case "keypoint":
            marks.point(*_upright(value["x"], value["y"], turn), label)
        case "ellipse":
            x, y = _upright(value["x"], value["y"], turn)
            marks.ellipse(x, y, value["radiusX"], value["radiusY"], label)
        case "polygon":
            marks.polygon([_upright(x, y, turn) for x, y in value["points"]], label)
        case _:
            x, y, width, height = (number(value[key]) for key in ("x", "y", "width", "height"))
            x, y = _middle(x, y, width, height, value.get("rotation") or 0, size)
            marks.point(*_upright(x, y, turn), label, size=math.sqrt(abs(width * height)) or math.nan)


def _middle(
    x: float, y: float, width: float, height: float, turn: float, size: tuple[int, int] | None
) -> tuple[float, float]:
    """Return the center of a box that is turned about its first corner, all in percent."""
    tall, wide = size or (1, 1)
    across, down = width / 2 * wide, height / 2 * tall
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return x + (across * cosine - down * sine) / wide, y + (across * sine + down * cosine) / tall


def _upright(x: Any, y: Any, turn: int) -> tuple[float, float]:
    """Undo that the annotator turned the image clockwise."""
    x, y = number(x), number(y)
    return {0: (x, y), 90: (y, 100 - x), 180: (100 - x, 100 - y), 270: (100 - y, x)}[turn]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    tasks = []
    for task, image in enumerate(images, start=1):
        height, width = image.known_size()
        results = []
        for place, head in enumerate(image.heads()):
            x, y = head.x / width * 100, head.y / height * 100
            kind = "rectanglelabels" if head.has_size else "keypointlabels"
            if head.has_size:
                across, down = head.size / width * 100, head.size / height * 100
                value = {
                    "x": x - across / 2,
                    "y": y - down / 2,
                    "width": across,
                    "height": down,
                    "rotation": 0,
                }
            else:
                value = {"x": x, "y": y, "width": 0.5}
            results.append(
                {
                    "id": f"head{place}",
                    "type": kind,
                    "from_name": "box" if head.has_size else "point",
                    "to_name": "image",
                    "original_width": width,
                    "original_height": height,
                    "image_rotation": 0,
                    "value": {**value, kind: [head.label or "head"]},
                }
            )
        address = f"/data/local-files/?d={image.known_name()}"
        tasks.append({"id": task, "data": {"image": address}, "annotations": [{"result": results}]})
    return {"annotations.json": json.dumps(tasks, indent=1)}


FORMATS = (
    Format(
        name="labelstudio",
        title="Label Studio (JSON, JSON-MIN)",
        recognize=_recognize,
        read=_read,
        write=_write,
    ),
)
