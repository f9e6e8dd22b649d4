"""JHU-Crowd++: rows of x, y, width, height, occlusion and blur, a text file for each image."""

import math

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source, is_number
from crowdkit.errors import DataError

_COLUMNS = 6


def _recognize(source: Source) -> bool:
    if source.kind != "table" or source.table.header is not None or not source.table.rows:
        return False
    rows = [row for _, row in source.table.rows]
    if any(len(row) != _COLUMNS or not all(map(is_number, row)) for row in rows[:50]):
        return False
    # Fractions are YOLO's, with a confidence behind them.
    return any(float(cell) > 1.5 for row in rows for cell in row[:4])


def _read(source: Source) -> list[ImageHeads]:
    marks = Marks()
    for number, row in source.table.rows:
        if len(row) != _COLUMNS:
            raise DataError(
                f"{source.path}, line {number}: expected {_COLUMNS} numbers, got {row}; repair the line"
            )
        x, y, width, height = map(float, row[:4])
        marks.point(x, y, size=math.sqrt(abs(width * height)) or math.nan)
    return [marks.heads()]


FORMATS = (
    Format(name="jhu", title="JHU-Crowd++ (txt)", recognize=_recognize, read=_read, convention="index"),
)
