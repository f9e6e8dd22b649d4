"""napari: points of one image as a CSV file, the row first."""

import csv
import io
from collections.abc import Sequence
from pathlib import PurePosixPath

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError


def _recognize(source: Source) -> bool:
    return {"axis-0", "axis-1"} <= source.columns()


def _read(source: Source) -> list[ImageHeads]:
    table = source.table
    if table.column("axis-2") is not None:
        raise DataError(
            f"{source.path}: expected points of one image (axis-0, axis-1), got those of a stack (axis-2); export the "
            "points of each image"
        )
    down, across = table.column("axis-0"), table.column("axis-1")
    marks = Marks()
    for number, row in table.rows:
        try:
            marks.point(float(row[across or 0]), float(row[down or 0]))
        except (ValueError, IndexError) as error:
            raise DataError(
                f"{source.path}, line {number}: expected numbers for axis-0 and axis-1, got {row}; repair the line"
            ) from error
    return [marks.heads()]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for image in images:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["index", "axis-0", "axis-1"])
        writer.writerows([number, head.y, head.x] for number, head in enumerate(image.heads()))
        files[str(PurePosixPath(image.known_name()).with_suffix(".csv"))] = text.getvalue()
    return files


FORMATS = (
    Format(
        name="napari",
        title="napari points (CSV)",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("classes", "sizes"),
        convention="index",
    ),
)
