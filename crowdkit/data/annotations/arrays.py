"""NumPy's ``.npy``: a row of x and y for each head."""

import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import torch

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


def points_of(values: Any, path: Path) -> "Tensor":
    """Take an array of N rows, x and y first; one of two long rows is turned.

    Args:
        values: A NumPy array.
        path: Its file, for the message.

    Returns:
        Shape (N, 2), float64.

    Raises:
        DataError: If it is no such array, or is a density map.
    """
    import numpy as np

    if values.size == 0:
        return torch.zeros(0, 2, dtype=torch.float64)
    if values.dtype.kind not in "iuf" or values.ndim != 2:
        raise DataError(
            f"{path}: expected an (N, 2) matrix of numbers, got {values.dtype} {values.shape}; "
            "save x and y of each head"
        )
    rows, columns = values.shape
    if rows == 2 and columns > 2:
        values = values.T
    elif columns > 4 or columns < 2:
        raise DataError(
            f"{path}: expected an (N, 2) matrix, got {values.shape}, a density map of {values.sum():.1f} people it "
            "seems; crowdkit learns from heads: give the points that it was made of"
        )
    return torch.from_numpy(np.array(values[:, :2], dtype=np.float64, order="C"))


def _recognize(source: Source) -> bool:
    return source.kind == "npy"


def _read(source: Source) -> list[ImageHeads]:
    import numpy as np

    values = np.load(io.BytesIO(source.data), allow_pickle=False)
    return [ImageHeads(points=points_of(values, source.path))]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    import numpy as np

    files: dict[str, str | bytes] = {}
    for image in images:
        content = io.BytesIO()
        np.save(content, image.points.double().numpy(), allow_pickle=False)
        files[str(PurePosixPath(image.known_name()).with_suffix(".npy"))] = content.getvalue()
    return files


FORMATS = (
    Format(
        name="npy",
        title="NumPy (npy)",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("classes", "sizes"),
    ),
)
