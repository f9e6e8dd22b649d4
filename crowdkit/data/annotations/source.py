"""One annotation file, opened once: what kind of content it has, and that content."""

import csv
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple
from xml.etree import ElementTree

from crowdkit.errors import DataError

Kind = Literal["json", "lines", "xml", "table", "mat", "npy", "hdf5", "image", "binary"]

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"MATLAB ", "mat"),
    (b"\x93NUMPY", "npy"),
    (b"\x89HDF\r\n", "hdf5"),
    (b"\x89PNG", "image"),
    (b"BM", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
)


class Table(NamedTuple):
    """A text table.

    Attributes:
        header: The columns' names in lower case; ``None`` if the first row is numbers.
        rows: The cells of each row, with its line's number.
    """

    header: list[str] | None
    rows: list[tuple[int, list[str]]]

    def column(self, *names: str) -> int | None:
        """Return the place of the first of these columns that is there."""
        return next((self.header.index(name) for name in names if self.header and name in self.header), None)


class Source:
    """An annotation file. What it holds is read when it is asked for, once.

    Args:
        path: The file.
        keypoint: The key point of a skeleton that is the head; those on the head by name when ``None``.

    Raises:
        DataError: If the file cannot be read; asking for content that it does not have raises the same.
    """

    def __init__(self, path: str | Path, *, keypoint: str | None = None) -> None:
        self.path = Path(path)
        self.keypoint = keypoint

    @cached_property
    def data(self) -> bytes:
        """All bytes."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError as error:
            raise DataError(
                f"{self.path}: expected an annotation file, got no such file; check the path"
            ) from error
        except OSError as error:
            raise DataError(
                f"{self.path}: expected an annotation file, got one that cannot be read ({error.strerror}); "
                "check the path"
            ) from error

    @cached_property
    def kind(self) -> Kind:
        """What kind of content it has."""
        for magic, kind in _MAGIC:
            if self.data.startswith(magic):
                return kind
        if b"\0" in self.data[:4096] and not self.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "binary"
        begin = self.text.lstrip()[:1]
        if begin == "<":
            return "xml"
        if begin not in ("{", "["):
            return "table"
        return "lines" if isinstance(self._parsed, ValueError) and self._lines is not None else "json"

    @cached_property
    def text(self) -> str:
        """All of it as text."""
        encoding = "utf-16" if self.data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
        try:
            return self.data.decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.path}: expected text, got a damaged file or another encoding ({error}); save it as UTF-8"
            ) from error

    @property
    def json(self) -> Any:
        """The content of a JSON file."""
        if isinstance(self._parsed, ValueError):
            raise DataError(
                f"{self.path}: expected JSON, got a damaged file ({self._parsed}); replace it"
            ) from self._parsed
        return self._parsed

    @property
    def records(self) -> list[Any]:
        """The lines of a file that has a JSON value in each."""
        if self.kind == "lines" and self._lines is not None:
            return self._lines
        return [self.json]

    @cached_property
    def _parsed(self) -> Any:
        try:
            return json.loads(self.text)
        except RecursionError:
            return ValueError("malformed: nested too deeply")
        except ValueError as error:
            return error

    @cached_property
    def _lines(self) -> list[Any] | None:
        """Every line's value; ``None`` if the first is none."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        values = []
        for number, line in enumerate(lines, start=1):
            try:
                values.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                if number == 1:
                    return None
                raise DataError(
                    f"{self.path}, line {number}: expected JSON, got a damaged line ({error}); repair it"
                ) from error
        return values

    @cached_property
    def xml(self) -> ElementTree.Element:
        """The root of an XML file."""
        try:
            text = self.text
        except DataError:
            text = self.data.decode("latin-1")  # says so in its first line, mostly
        if re.search(r"<!(ENTITY|DOCTYPE)", text, re.IGNORECASE):
            raise DataError(
                f"{self.path}: expected XML without declarations of entities, got one; remove <!DOCTYPE ...>"
            )
        try:
            return ElementTree.fromstring(text)  # noqa: S314 (no entities are declared)
        except (ElementTree.ParseError, ValueError) as error:
            raise DataError(f"{self.path}: expected XML, got a damaged file ({error}); replace it") from error

    @cached_property
    def table(self) -> Table:
        """A text table: separated by comma, semicolon, tab or blanks; ``#`` begins a comment."""
        lines = [(number, line.strip("\r\n")) for number, line in enumerate(self.text.splitlines(), start=1)]
        lines = [(number, line) for number, line in lines if line.strip() and not _is_comment(line)]
        if not lines:
            return Table(None, [])
        first = lines[0][1].removeprefix("#")
        separator = next((each for each in ",;\t" if each in first), None)
        texts = [first, *(line for _, line in lines[1:])]
        if separator is None:
            cells = [line.split() for line in texts]
            numbers = [number for number, _ in lines]
        else:
            reader = csv.reader(texts, delimiter=separator)
            cells, numbers = [], []
            try:
                for row in reader:
                    cells.append([cell.strip() for cell in row])
                    numbers.append(lines[reader.line_num - 1][0])
            except csv.Error as error:
                raise DataError(
                    f"{self.path}: expected a table, got a damaged one ({error}); save it again"
                ) from error
        if separator == ";":  # in countries that write a comma in numbers
            cells = [[re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", cell) for cell in row] for row in cells]
        rows = list(zip(numbers, cells, strict=True))
        if all(is_number(cell) for cell in cells[0]):
            return Table(None, rows)
        return Table([cell.lower() for cell in cells[0]], rows[1:])

    def json_keys(self) -> set[str]:
        """Return the keys of a JSON object; nothing for other files."""
        return set(self.json) if self.kind == "json" and isinstance(self.json, dict) else set()

    def tag(self) -> str:
        """Return the root's tag of an XML file; nothing for other files."""
        return self.xml.tag if self.kind == "xml" else ""

    def columns(self) -> set[str]:
        """Return the names of a table's columns; nothing for other files or without a header."""
        return set(self.table.header or ()) if self.kind == "table" else set()


def is_number(cell: str) -> bool:
    """Tell whether a cell holds a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_comment(line: str) -> bool:
    # VIA begins the header itself with a hash.
    return line.lstrip().startswith("#") and not line.lstrip().startswith("#filename")
