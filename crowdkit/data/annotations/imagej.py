"""ImageJ and Fiji: the table of results, and the XML of the Cell Counter."""

import csv
import io
from collections.abc import Sequence

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError


def _recognize(source: Source) -> bool:
    columns = source.columns()
    return (
        source.kind == "table"
        and source.table.header is not None
        and (source.table.header[0] == "" and {"x", "y"} <= columns)
    )


def _read(source: Source) -> list[ImageHeads]:
    table = source.table
    across, down, label = table.column("x"), table.column("y"), table.column("label")
    images: dict[str | None, Marks] = {}
    for number, row in table.rows:
        # "street.jpg:0001-0002" names a region after the image, "stack.tif:3/9" a slice.
        name = None if label is None else row[label].partition(":")[0]
        try:
            x, y = float(row[across or 0]), float(row[down or 0])
        except (ValueError, IndexError) as error:
            raise DataError(
                f"{source.path}, line {number}: expected numbers for X and Y, got {row}; repair the line"
            ) from error
        images.setdefault(name, Marks()).point(x, y)
    return [marks.heads(name) for name, marks in images.items()] or [Marks().heads()]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    """Write a table of results; images without heads have no row, as in the tool itself."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([" ", "Label", "X", "Y"])
    rows = [(image.known_name(), head.x, head.y) for image in images for head in image.heads()]
    writer.writerows([number, *row] for number, row in enumerate(rows, start=1))
    return {"Results.csv": text.getvalue()}


def _recognize_cells(source: Source) -> bool:
    return source.tag() == "CellCounter_Marker_File"


def _read_cells(source: Source) -> list[ImageHeads]:
    root = source.xml
    marks = Marks()
    for kind in root.iter("Marker_Type"):
        label = kind.findtext("Name") or f"Type {kind.findtext('Type', '')}"
        for marker in kind.iter("Marker"):
            if int(marker.findtext("MarkerZ", "1")) > 1:
                marks.leave_out("mark on another slice than the first")
                continue
            marks.point(float(marker.findtext("MarkerX", "")), float(marker.findtext("MarkerY", "")), label)
    return [marks.heads(root.findtext(".//Image_Filename") or None)]


FORMATS = (
    Format(
        name="imagej",
        title="ImageJ, Fiji: Results (CSV)",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("classes", "sizes", "images without heads"),
    ),
    Format(
        name="cell_counter",
        title="ImageJ, Fiji: Cell Counter (XML)",
        recognize=_recognize_cells,
        read=_read_cells,
    ),
)
