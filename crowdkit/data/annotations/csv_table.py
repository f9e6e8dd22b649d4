"""Text tables: a row for each head, of one image or, with a column for the image, of many."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from crowdkit.data.annotations.heads import Format, Head, ImageHeads
from crowdkit.data.annotations.marks import Marks, pixels
from crowdkit.data.annotations.source import Source, Table, is_number
from crowdkit.errors import DataError

_IMAGE = ("image", "name", "file", "filename", "file_name", "path", "image_name", "image_path", "img")
_LABEL = ("label", "class", "category", "class_name", "label_name", "category_name")
_HEIGHT, _WIDTH = ("image_height", "img_height"), ("image_width", "img_width")
_CENTERS = (("x", "y"), ("cx", "cy"), ("center_x", "center_y"), ("x_center", "y_center"))
_CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("x_min", "y_min", "x_max", "y_max"))
_BOXES = (
    ("left", "top", "width", "height"),
    ("xmin", "ymin", "width", "height"),
    ("bbox_x", "bbox_y", "bbox_width", "bbox_height"),
)
_SIDES = (("width", "height"), ("w", "h"))


def read_rows(path: Path, *, columns: int) -> Tensor:
    """Read rows of so many numbers each, without a header.

    Args:
        path: A text file: separated by comma, semicolon, tab or blanks; ``#`` begins a comment. Without rows it is
            empty.
        columns: How many numbers a row has.

    Returns:
        Shape (N, columns), float64.

    Raises:
        DataError: If the file is missing or a row is anything else.
    """
    table = Source(path).table
    if table.header is not None:
        raise DataError(
            f"{path}: expected rows of {columns} numbers, got {', '.join(table.header)}; check the file"
        )
    values = []
    for number, row in table.rows:
        if len(row) != columns or not all(map(is_number, row)):
            raise DataError(f"{path}, line {number}: expected {columns} numbers, got {row}; repair the line")
        values.append([float(cell) for cell in row])
    return torch.tensor(values, dtype=torch.float64).reshape(-1, columns)


def _recognize(source: Source) -> bool:
    if source.kind != "table":
        return False
    table = source.table
    if table.header is None:
        return not table.rows or len(table.rows[0][1]) == 2
    first = table.header[0]
    return _shape(table) is not None and first not in ("", "#filename") and "axis-0" not in table.header


def _read(source: Source) -> list[ImageHeads]:
    table = source.table
    if table.header is None:
        return [_read_pairs(table, source)]
    key = table.column(*_IMAGE)
    groups: dict[str | None, list[tuple[int, list[str]]]] = {} if key is not None else {None: []}
    for number, row in table.rows:
        if len(row) < len(table.header):
            row = [*row, *[""] * (len(table.header) - len(row))]
        groups.setdefault(None if key is None else row[key], []).append((number, row))
    return [_read_image(name, rows, table, source) for name, rows in groups.items()]


def _read_pairs(table: Table, source: Source) -> ImageHeads:
    marks = Marks()
    for number, row in table.rows:
        if len(row) != 2:
            raise DataError(
                f"{source.path}, line {number}: expected two numbers, got {len(row)} columns; "
                "add a header that names x and y"
            )
        marks.point(*_numbers(row, source, number))
    return marks.heads()


def _read_image(
    name: str | None, rows: list[tuple[int, list[str]]], table: Table, source: Source
) -> ImageHeads:
    shape = _shape(table)
    if shape is None:
        raise DataError(
            f"{source.path}: expected the columns x and y, got {', '.join(table.header or [])}; name them in the header"
        )
    label, sides = table.column(*_LABEL), _sides(table, shape)
    size = _image_size(rows, table)
    marks = Marks()
    boxes: set[tuple[float, float]] = set()
    for number, row in rows:
        cells = [row[place] for place in shape]
        if not any(cells):  # a row that names an image without people
            continue
        values = _numbers(cells, source, number)
        text = "" if label is None else row[label]
        if len(shape) == 4:
            left, top, right, bottom = values if _is_corners(table, shape) else _from_sides(values)
            marks.box(left, top, right, bottom, text)
            continue
        across = [] if sides is None else [row[place] for place in sides if row[place]]
        written = _numbers(across, source, number) if len(across) == 2 else []
        if written and table.column("cx", "center_x", "x_center") is not None:
            marks.point(values[0], values[1], text, size=(written[0] * written[1]) ** 0.5)
            continue
        boxes |= {(written[0], written[1])} if written else set()
        marks.point(values[0], values[1], text)
    heads = marks.heads(name, image_size=size)
    if not boxes:
        return heads
    return _with_image_size(heads, boxes, source)


def _with_image_size(heads: ImageHeads, boxes: set[tuple[float, float]], source: Source) -> ImageHeads:
    """Decide what columns of width and height beside x and y are: the image's, or nobody knows."""
    from dataclasses import replace

    width, height = next(iter(boxes))
    finite = heads.points[heads.points.isfinite().all(dim=1)]
    inside = bool((finite <= torch.tensor([width + 1, height + 1])).all())
    if len(boxes) == 1 and inside:
        return replace(heads, image_size=pixels(height, width))
    raise DataError(
        f"{source.path}: expected points, or boxes by their corners, got x and y with width and height, of which x "
        "and y may be a corner or the center; call them left and top, or cx and cy, in the header"
    )


def _shape(table: Table) -> list[int] | None:
    """Return the columns that hold places: two for centers, four for boxes."""
    for names in (*_CORNERS, *_BOXES, *_CENTERS):
        places = [table.column(name) for name in names]
        if None not in places:
            return [place for place in places if place is not None]
    return None


def _is_corners(table: Table, shape: list[int]) -> bool:
    names = tuple((table.header or [])[place] for place in shape)
    return names in _CORNERS


def _from_sides(values: list[float]) -> list[float]:
    left, top, width, height = values
    return [left, top, left + width, top + height]


def _sides(table: Table, shape: list[int]) -> list[int] | None:
    if len(shape) == 4:
        return None
    for width, height in _SIDES:
        across, down = table.column(width), table.column(height)
        if across is not None and down is not None:
            return [across, down]
    return None


def _image_size(rows: list[tuple[int, list[str]]], table: Table) -> tuple[int, int] | None:
    height, width = table.column(*_HEIGHT), table.column(*_WIDTH)
    if height is None and _is_corner_table(table):  # as in TensorFlow's tables, where boxes have corners
        height, width = table.column("height"), table.column("width")
    if height is None or width is None or not rows:
        return None
    return pixels(rows[0][1][height], rows[0][1][width])


def _is_corner_table(table: Table) -> bool:
    return any(all(table.column(name) is not None for name in names) for names in _CORNERS)


def _numbers(cells: Sequence[str], source: Source, number: int) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError as error:
        raise DataError(
            f"{source.path}, line {number}: expected numbers for x and y, got {list(cells)}; repair the line"
        ) from error


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "cx", "cy", "w", "h", "label", "image_width", "image_height"])
    for image in images:
        height, width = image.image_size or ("", "")
        rows = [[head.x, head.y, *_side(head), head.label] for head in image.heads()]
        for row in rows or [["", "", "", "", ""]]:
            writer.writerow([image.known_name(), *row, width, height])
    return {"annotations.csv": text.getvalue()}


def _side(head: Head) -> list[float | str]:
    return [head.size, head.size] if head.has_size else ["", ""]


FORMATS = (
    Format(name="csv", title="CSV: a row for each head", recognize=_recognize, read=_read, write=_write),
)
