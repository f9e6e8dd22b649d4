"""Heads in text tables: one row a head."""

import csv
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from crowdkit.errors import DataError

_IMAGE_COLUMNS = ("image", "name", "file", "filename", "file_name", "path")


def read_csv(path: Path) -> Tensor:
    """Read the heads of one image from a text table.

    Args:
        path: Rows of ``x, y`` with a header that names these columns (others are ignored), or rows of two
            numbers without one. Separated by comma, semicolon, tab or blanks; ``#`` begins a comment. A file
            without rows is an image without people.

    Returns:
        Shape (N, 2), float64 (x, y) as they stand in the file.

    Raises:
        DataError: If the file is missing or not such a table.
    """
    header, rows = _table(path)
    if header is None:
        columns = (0, 1)
        for number, row in rows:
            if len(row) != 2:
                raise DataError(
                    f"{path}, line {number}: expected two numbers, got {len(row)} columns; "
                    "add a header that names x and y"
                )
    else:
        columns = _columns(header, path)
    return _tensor(_pairs(rows, columns, path))


def read_csv_table(path: Path) -> dict[str, Tensor]:
    """Read the heads of many images from a text table with the columns image, x and y.

    Args:
        path: A table with a header; the image's column may also be called ``name``, ``file``, ``filename``,
            ``file_name`` or ``path``. A row with empty x and y stands for an image without people.

    Returns:
        For every image's file name shape (N, 2), float64 (x, y) as they stand in the file.

    Raises:
        DataError: If the file is missing or not such a table, or two paths in it end in one file name.
    """
    header, rows = _table(path)
    key = next((header.index(name) for name in _IMAGE_COLUMNS if header and name in header), None)
    if header is None or key is None:
        raise DataError(f"{path}: expected a header with image, x and y, got {header}; name the columns")
    columns = _columns(header, path)
    points: dict[str, list[tuple[float, float]]] = {}
    places: dict[str, Path] = {}
    for number, row in rows:
        if len(row) <= key:
            raise DataError(f"{path}, line {number}: expected {len(header)} columns, got {len(row)}")
        place = Path(row[key])
        if places.setdefault(place.name, place) != place:
            raise DataError(
                f"{path}, line {number}: expected one image a file name, got {places[place.name]} and {place}; "
                "rename one, or give each folder a table of its own"
            )
        heads = points.setdefault(place.name, [])
        if any(len(row) > column and row[column] for column in columns):
            heads.extend(_pairs([(number, row)], columns, path))
    return {name: _tensor(heads) for name, heads in points.items()}


def read_rows(path: Path, *, columns: int) -> Tensor:
    """Read rows of so many numbers each, without a header.

    Args:
        path: A text file, as for :func:`read_csv`; without rows it is empty.
        columns: How many numbers a row has.

    Returns:
        Shape (N, columns), float64.

    Raises:
        DataError: If the file is missing or a row is anything else.
    """
    header, rows = _table(path)
    if header is not None:
        raise DataError(
            f"{path}: expected rows of {columns} numbers, got {', '.join(header)}; check the file"
        )
    values = []
    for number, row in rows:
        if len(row) != columns or not all(map(_is_number, row)):
            raise DataError(f"{path}, line {number}: expected {columns} numbers, got {row}; repair the line")
        values.append([float(cell) for cell in row])
    return torch.tensor(values, dtype=torch.float64).reshape(-1, columns)


def _table(path: Path) -> tuple[list[str] | None, list[tuple[int, list[str]]]]:
    """Give the header, if there is one, and the rows with their line numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected an annotation file, got no such file; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a text table, got an unreadable file ({error})") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        return None, []
    separator = next((each for each in ",;\t" if each in lines[0][1]), None)
    rows = [(number, _cells(line, separator)) for number, line in lines]
    if all(_is_number(cell) for cell in rows[0][1]):
        return None, rows
    return [cell.lower() for cell in rows[0][1]], rows[1:]


def _cells(line: str, separator: str | None) -> list[str]:
    cells = line.split() if separator is None else next(csv.reader([line], delimiter=separator))
    return [cell.strip() for cell in cells]


def _columns(header: list[str], path: Path) -> tuple[int, int]:
    if "x" not in header or "y" not in header:
        raise DataError(
            f"{path}: expected the columns x and y, got {', '.join(header)}; name them in the header"
        )
    return header.index("x"), header.index("y")


def _pairs(
    rows: Iterable[tuple[int, list[str]]], columns: tuple[int, int], path: Path
) -> list[tuple[float, float]]:
    pairs = []
    for number, row in rows:
        try:
            pairs.append((float(row[columns[0]]), float(row[columns[1]])))
        except (ValueError, IndexError) as error:
            raise DataError(f"{path}, line {number}: expected numbers for x and y, got {row}") from error
    return pairs


def _tensor(pairs: list[tuple[float, float]]) -> Tensor:
    return torch.tensor(pairs, dtype=torch.float64).reshape(-1, 2)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
