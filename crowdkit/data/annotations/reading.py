"""Read heads, whatever the file's format, into continuous coordinates."""

from pathlib import Path
from typing import Literal

from torch import Tensor

from crowdkit.data.annotations.json import read_coco, read_json
from crowdkit.data.annotations.mat import read_mat
from crowdkit.data.annotations.text import read_csv, read_csv_table
from crowdkit.errors import DataError, check_choice

Convention = Literal["continuous", "index", "matlab"]
"""Where a file's coordinates put the center of the first pixel: 0.5, 0 or 1."""

SHIFT: dict[Convention, float] = {"continuous": 0.0, "index": 0.5, "matlab": -0.5}
"""What makes coordinates of each convention continuous."""

_READERS = {".csv": read_csv, ".txt": read_csv, ".json": read_json, ".mat": read_mat}
_TABLES = {".csv": read_csv_table, ".json": read_coco}

ANNOTATION_SUFFIXES = tuple(_READERS)


def read_points(path: str | Path, *, convention: Convention | None = None) -> Tensor:
    """Read the heads of one image.

    Args:
        path: A ``.csv`` or ``.txt`` table (:func:`~crowdkit.data.annotations.read_csv`), a ``.json`` list or
            LabelMe file (:func:`~crowdkit.data.annotations.read_json`) or a ``.mat`` file
            (:func:`~crowdkit.data.annotations.read_mat`).
        convention: Where the file puts the center of the first pixel: ``"continuous"`` at (0.5, 0.5),
            ``"index"`` at (0, 0) and ``"matlab"`` at (1, 1). ``None`` is ``"matlab"`` for ``.mat`` files and
            ``"continuous"`` for others.

    Returns:
        Shape (N, 2), float64 (x, y) in continuous coordinates; points outside the image are still there.

    Raises:
        DataError: If the file is missing, damaged, or of another form.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: expected a file in {', '.join(_READERS)}, got {path.suffix!r}; convert it")
    return reader(path) + _shift(path, convention)


def read_table(path: str | Path, *, convention: Convention | None = None) -> dict[str, Tensor]:
    """Read the heads of a whole folder of images from one file.

    Args:
        path: A COCO ``.json`` (:func:`read_coco`) or a ``.csv`` with a column for the image
            (:func:`read_csv_table`).
        convention: As in :func:`~crowdkit.data.read_points`.

    Returns:
        For every image's file name shape (N, 2), float64 (x, y) in continuous coordinates.

    Raises:
        DataError: If the file is missing, damaged, or of another form.
    """
    path = Path(path)
    reader = _TABLES.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: expected a table in {' or '.join(_TABLES)}, got {path.suffix!r}; convert it"
        )
    shift = _shift(path, convention)
    return {name: points + shift for name, points in reader(path).items()}


def _shift(path: Path, convention: Convention | None) -> float:
    if convention is None:
        convention = "matlab" if path.suffix.lower() == ".mat" else "continuous"
    check_choice("convention", convention, SHIFT)
    return SHIFT[convention]
