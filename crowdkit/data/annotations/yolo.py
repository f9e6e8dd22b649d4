"""YOLO: rows of class, center and sides as fractions, a text file for each image."""

import math
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source, is_number
from crowdkit.errors import DataError

_LISTS = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")


def _recognize(source: Source) -> bool:
    if source.kind != "table" or source.table.header is not None or not source.table.rows:
        return False
    return all(_is_row(row) for _, row in source.table.rows[:50])


def _is_row(row: list[str]) -> bool:
    if len(row) < 5 or not row[0].isdecimal() or not all(map(is_number, row)):
        return False
    # A box may stick out of its image by a little.
    return all(-0.5 <= float(cell) <= 1.5 for cell in row[1:5])


def _read(source: Source) -> list[ImageHeads]:
    classes = _classes(source.path)
    marks = Marks()
    for number, row in source.table.rows:
        if not _is_row(row):
            raise DataError(
                f"{source.path}, line {number}: expected class, x, y, width and height as fractions, got {row}; "
                "repair the line"
            )
        label = classes.get(int(row[0]), row[0])
        values = [float(cell) for cell in row[1:]]
        # An outline has pairs of fractions; key points after the box have a 2 for each that is visible.
        if len(row) >= 7 and len(values) % 2 == 0 and max(values) <= 1.5:
            marks.polygon(list(zip(values[0::2], values[1::2], strict=True)), label)
            continue
        x, y, width, height = values[:4]
        marks.point(x, y, label, size=math.sqrt(abs(width * height)) or math.nan)
    return [marks.heads(unit="fraction")]


def _classes(path: Path) -> dict[int, str]:
    """Read the names of the classes that lie beside or above the file; numbers without names stay numbers."""
    for folder in list(path.resolve().parents)[:3]:
        for name in _LISTS:
            if (folder / name).is_file():
                lines = Source(folder / name).text.splitlines()
                return {place: line.strip() for place, line in enumerate(lines) if line.strip()}
        for file in ("data.yaml", "data.yml", "dataset.yaml"):
            if (folder / file).is_file():
                return _names(Source(folder / file).text)
    return {}


def _names(text: str) -> dict[int, str]:
    """Read the list ``names`` of a YAML file, in any of the three forms in which it is written."""
    found = re.search(r"^names:[ \t]*(\[[^\]]*\]|\{[^}]*\})?((?:\n[ \t]*(?:-|\d+:).*)*)", text, re.MULTILINE)
    if found is None:
        return {}
    inline, block = found.group(1), found.group(2)
    entries = inline[1:-1].split(",") if inline else block.strip().splitlines()
    names = {}
    for place, entry in enumerate(each for each in entries if each.strip()):
        numbered = re.match(r"\s*(\d+)\s*:\s*(.*)", entry)
        text = numbered.group(2) if numbered else entry.strip().removeprefix("-")
        names[int(numbered.group(1)) if numbered else place] = text.split(" #")[0].strip().strip("'\"")
    return names


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    """Write boxes, of no extent where a head has no size, and the classes' names."""
    labels = sorted({head.label or "head" for image in images for head in image.heads()}) or ["head"]
    files: dict[str, str | bytes] = {"classes.txt": "".join(f"{label}\n" for label in labels)}
    for image in images:
        height, width = image.known_size()
        rows = []
        for head in image.heads():
            side = head.size if head.has_size else 0.0
            values = (head.x / width, head.y / height, side / width, side / height)
            rows.append(" ".join([str(labels.index(head.label or "head")), *map(repr, values)]) + "\n")
        files[str(PurePosixPath(image.known_name()).with_suffix(".txt"))] = "".join(rows)
    return files


FORMATS = (Format(name="yolo", title="YOLO (txt)", recognize=_recognize, read=_read, write=_write),)
