"""Heads in MATLAB files: ShanghaiTech's ``image_info``, UCF's ``annPoints``, Mall's ``frame`` and ``roi``."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crowdkit.errors import DataError


def read_mat(path: Path) -> Tensor:
    """Read the heads of one image from a ``.mat`` file, as they stand in it.

    Args:
        path: A file with ``image_info`` (ShanghaiTech), ``annPoints`` (UCF_CC_50, UCF-QNRF, NWPU) or a single
            (N, 2) matrix of any name.

    Returns:
        Shape (N, 2), float64 (x, y) in the file's own coordinates.

    Raises:
        DataError: If the file cannot be read or holds no points.
    """
    content = _load(path)
    if "image_info" in content:
        return _matrix(_field(content["image_info"], "location", path), path)
    if "annPoints" in content:
        return _matrix(content["annPoints"], path)
    matrices = [value for value in content.values() if getattr(value, "shape", (0,))[-1] == 2]
    if len(matrices) != 1:
        raise DataError(
            f"{path}: expected image_info, annPoints or one (N, 2) matrix, got the variables "
            f"{sorted(content)}; save the points as annPoints"
        )
    return _matrix(matrices[0], path)


def read_mat_frames(path: Path) -> list[Tensor]:
    """Read the heads of all frames of a video from Mall's ``mall_gt.mat``.

    Args:
        path: A file with the cell array ``frame``, each with a field ``loc``.

    Returns:
        For each frame shape (N, 2), float64 (x, y) in the file's own coordinates.

    Raises:
        DataError: If the file cannot be read or has no ``frame``.
    """
    content = _load(path)
    if "frame" not in content:
        raise DataError(f"{path}: expected the variable frame, got {sorted(content)}; pass mall_gt.mat")
    return [_matrix(_field(frame, "loc", path), path) for frame in content["frame"].ravel()]


def read_mat_roi(path: Path) -> Tensor:
    """Read the region of interest from Mall's ``perspective_roi.mat``.

    Args:
        path: A file with the struct ``roi`` and its field ``mask``.

    Returns:
        True inside, bool, shape (H, W).

    Raises:
        DataError: If the file cannot be read or has no such mask.
    """
    import numpy as np

    content = _load(path)
    if "roi" not in content:
        raise DataError(f"{path}: expected the variable roi, got {sorted(content)}; pass perspective_roi.mat")
    mask = np.asarray(_field(content["roi"], "mask", path))
    if mask.ndim != 2 or mask.dtype.kind not in "biuf":
        raise DataError(
            f"{path}: expected a matrix as roi.mask, got {mask.dtype} {mask.shape}; check the file"
        )
    return torch.from_numpy(mask > 0)


def _load(path: Path) -> dict[str, Any]:
    from scipy.io.matlab import loadmat

    if not path.is_file():
        raise DataError(f"{path}: expected an annotation file, got no such file; check the path")
    try:
        content = loadmat(path, appendmat=False)  # type: ignore[no-untyped-call]
    except NotImplementedError as error:
        raise DataError(f"{path}: expected MATLAB 5 to 7, got 7.3 (HDF5); save it with -v7") from error
    except Exception as error:  # on damaged files also IndexError, UnboundLocalError and others
        raise DataError(f"{path}: expected a MATLAB file, got a damaged one ({error}); replace it") from error
    return {name: value for name, value in content.items() if not name.startswith("__")}


def _field(value: Any, name: str, path: Path) -> Any:
    """Open cells of one element until the struct with the field is reached."""
    while value.dtype.names is None and value.dtype == object and value.size == 1:
        value = value.ravel()[0]
    if value.dtype.names is None or name not in value.dtype.names or value.size != 1:
        raise DataError(f"{path}: expected a struct with the field {name}, got {value.dtype}; check the file")
    return value[name].ravel()[0]


def _matrix(value: Any, path: Path) -> Tensor:
    import numpy as np

    if value.size == 0:
        return torch.zeros(0, 2, dtype=torch.float64)
    if value.ndim != 2 or value.shape[1] < 2 or value.dtype.kind not in "iuf":
        raise DataError(f"{path}: expected an (N, 2) matrix of numbers, got {value.dtype} {value.shape}")
    return torch.from_numpy(np.array(value[:, :2], dtype=np.float64, order="C"))
