"""The formats by name, found in the files of this folder, and which one a file has."""

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from crowdkit.data.annotations.heads import Format
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError, check_choice

# Rows of more numbers are no head's.
_WIDEST = 12
# What a malformed file makes a format's look at it raise.
_ODD = (TypeError, KeyError, ValueError, AttributeError, IndexError, OverflowError, StopIteration)


@cache
def formats() -> dict[str, Format]:
    """Return every format by its name: what the files of this folder have in ``FORMATS``."""
    modules = [
        import_module(f"{__package__}.{module.name}") for module in iter_modules([str(Path(__file__).parent)])
    ]
    found = [each for module in modules for each in getattr(module, "FORMATS", ())]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def list_formats(*, written: bool = False) -> list[str]:
    """Names of the formats of annotations.

    Args:
        written: Only those that can be written.

    Returns:
        The names, sorted.

    Examples:
        >>> "cvat" in list_formats(written=True), "jhu" in list_formats(written=True)
        (True, False)
    """
    return [name for name, each in formats().items() if each.write is not None or not written]


def find_format(source: Source, name: str = "auto") -> Format:
    """Return the format of a file.

    Args:
        source: The file.
        name: One of :func:`list_formats`, or ``"auto"``: by the content.

    Returns:
        The format.

    Raises:
        UnknownNameError: If there is no format of that name.
        DataError: If the content is of none; the message says what it looks like, and what to do.
    """
    if name != "auto":
        check_choice("format", name, ["auto", *formats()])
        return formats()[name]
    found = [each for each in formats().values() if _is(each, source)]
    if found:
        return found[0]
    raise DataError(
        f"{source.path}: expected heads in a format that crowdkit reads, got {_looks_like(source)}"
    )


def _is(each: Format, source: Source) -> bool:
    try:
        return bool(each.recognize(source))
    except DataError:
        return False
    except _ODD:
        return False


def _looks_like(source: Source) -> str:
    """Say what a file seems to be, and what to do."""
    if source.kind == "binary":
        return _looks_like_binary(source.data)
    if source.kind == "hdf5":
        return (
            "HDF5, a density map it seems (or MATLAB 7.3); crowdkit learns from heads: give the points that it was "
            "made of (MATLAB: save with -v7)"
        )
    if source.kind == "xml":
        return (
            f"XML with the root <{source.xml.tag[:40]}>; export CVAT for images 1.1, Pascal VOC, or a table"
        )
    if source.kind == "table":
        return _looks_like_table(source)
    content = source.records[0]
    if not isinstance(content, dict):
        if isinstance(content, list) and content and isinstance(content[0], dict):
            if {"image_id", "bbox"} <= set(content[0]):
                return "COCO's results, which do not name images; export the whole data set in COCO's form"
            return f"a list of tables with {_listed(content[0])}; write the points as [[x, y], ...]"
        return f"{str(content)[:40]}, not a list of points; write the points as [[x, y], ...]"
    for keys, what in _KNOWN.items():
        if set(keys) <= set(content):
            return what
    return f"a table with {_listed(content)}; write the points as [[x, y], ...] or name the format (format=)"


_KNOWN = {
    (
        "type",
        "features",
    ): "GeoJSON, as QuPath writes it; export the table of measurements or of points as CSV",
    ("objects", "size"): "Supervisely; export COCO or Pascal VOC there",
    ("file", "view", "metadata"): "a project of VIA 3; export CSV, or use VIA 2, whose projects are read",
    ("images", "annotations"): "COCO without a list of images; export it again",
    ("density",): "a density map, not heads; crowdkit learns from heads: give the points that it was made of",
}


def _looks_like_binary(data: bytes) -> str:
    if data.startswith(b"PK"):
        return "a zip archive or a spreadsheet; unpack it, or save the table as CSV"
    if data.startswith(b"Iout"):
        return "a region of ImageJ; measure it and save the table of results as CSV"
    if data.startswith((b"\xff\xd8", b"GIF8", b"RIFF")):
        return "a photograph; give the file with its heads"
    return "a binary file; export JSON, XML or CSV"


def _looks_like_table(source: Source) -> str:
    table = source.table
    if table.header is None:
        columns = len(table.rows[0][1])
        if columns > _WIDEST and len(table.rows) > 1:
            return (
                f"{len(table.rows)} rows of {columns} numbers, a density map it seems; crowdkit learns from heads: "
                "give the points that it was made of"
            )
        return f"{columns} columns without a header, where two numbers were expected; add a header that names x and y"
    return f"a table with the columns {', '.join(table.header)[:120]}; name the columns x and y in the header"


def _listed(keys: dict[str, object]) -> str:
    return ", ".join(sorted(map(str, keys)))[:120] or "nothing in it"
