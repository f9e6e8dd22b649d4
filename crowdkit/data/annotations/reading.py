"""Read the heads of one image, whatever the file's format."""

from pathlib import Path

from torch import Tensor

from crowdkit.data.annotations.mat import read_mat


def read_points(path: str | Path) -> Tensor:
    """Read the heads of one image in continuous coordinates."""
    return read_mat(Path(path)) - 0.5
