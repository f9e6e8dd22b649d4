"""makesense.ai: the CSV of points or of boxes, without a header."""

import csv
import io
from collections.abc import Sequence

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks, pixels
from crowdkit.data.annotations.source import Source, is_number
from crowdkit.errors import DataError


def _rows(source: Source) -> list[tuple[int, list[str]]]:
    """Return all rows; the first has been taken for a header, and its label may have had capitals."""
    table = source.table
    if table.header is None:
        return table.rows
    line = next(line for line in source.text.splitlines() if line.strip())
    return [(1, [cell.strip() for cell in next(csv.reader([line]))]), *table.rows]


def _recognize(source: Source) -> bool:
    if source.kind != "table" or not source.table.header:
        return False
    row = _rows(source)[0][1]
    numbers = [row[1], row[2], *row[3:-3], *row[-2:]]
    return len(row) in (6, 8) and all(map(is_number, numbers)) and not is_number(row[-3])


def _read(source: Source) -> list[ImageHeads]:
    images: dict[str, Marks] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    for number, row in _rows(source):
        if len(row) not in (6, 8):
            raise DataError(
                f"{source.path}, line {number}: expected label, x, y, (width, height,) image, width and height, "
                f"got {len(row)} columns; repair the line"
            )
        label, *places, name, width, height = row
        marks = images.setdefault(name, Marks())
        sizes[name] = pixels(height, width)
        x, y, *sides = map(float, places)
        if sides:
            marks.box(x, y, x + sides[0], y + sides[1], label)
        else:
            marks.point(x, y, label)
    return [marks.heads(name, image_size=sizes[name]) for name, marks in images.items()]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    """Write points; images without heads have no row, as in the tool itself."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for image in images:
        height, width = image.known_size()
        for head in image.heads():
            writer.writerow([head.label or "head", head.x, head.y, image.known_name(), width, height])
    return {"labels.csv": text.getvalue()}


FORMATS = (
    Format(
        name="makesense",
        title="makesense.ai (CSV)",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("sizes", "images without heads"),
    ),
)
