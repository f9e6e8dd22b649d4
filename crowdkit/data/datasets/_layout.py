"""Finding a data set's folder and telling what of it is missing."""

from collections.abc import Sequence
from pathlib import Path

from crowdkit.data.datasets.base import Record
from crowdkit.errors import DataError


def find_home(root: str | Path, *, holds: str, release: str) -> Path:
    """Find the folder that holds a data set: ``root`` or the release's folder in it.

    Args:
        root: What the user gave.
        holds: A file or folder that lies in it, as a glob pattern.
        release: What the release calls it.

    Returns:
        The folder.

    Raises:
        DataError: If neither holds it.
    """
    places = [Path(root), Path(root) / release]
    for place in places:
        if place.is_dir() and next(place.glob(holds), None) is not None:
            return place
    looked = " or ".join(str(place / holds) for place in places)
    raise DataError(
        f"root: expected {looked}, got no such file or folder; give the folder that holds {holds}"
    )


def present(
    records: Sequence[Record], *, folder: Path, incomplete: bool
) -> tuple[list[Record], tuple[str, ...]]:
    """Part the records whose image is there from the names of the others.

    Args:
        records: All images that should be there.
        folder: Where, for the error.
        incomplete: Whether some may be missing.

    Returns:
        The records that are there, and the names of those that are not.

    Raises:
        DataError: If none is there, or some are not and ``incomplete`` is false.
    """
    found = [record for record in records if record.image.is_file()]
    absent = tuple(record.name for record in records if not record.image.is_file())
    if absent and not (found and incomplete):
        hint = "complete the copy, or pass incomplete=True to use those that are there"
        raise DataError(
            f"{folder}: expected {len(records)} images, got {len(found)}; the first of {len(absent)} missing is "
            f"{absent[0]}; {hint if found else 'check the path'}"
        )
    return found, absent
