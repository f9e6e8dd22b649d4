"""Heads in MATLAB files: ShanghaiTech's ``image_info``, UCF's ``annPoints``, Mall's ``frame`` and ``roi``."""

import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from crowdkit.data.annotations.arrays import points_of
from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError

_POINTS = ("point", "loc", "head", "dot", "coord", "xy", "anno", "gt", "ground")


def _recognize(source: Source) -> bool:
    # Files of MATLAB 4 begin with a number.
    return source.kind == "mat" or (source.kind == "binary" and source.path.suffix.lower() == ".mat")


def _read(source: Source) -> list[ImageHeads]:
    path = source.path
    content = _load(path)
    if "image_info" in content:
        points = points_of(_field(content["image_info"], "location", path), path)
        return [ImageHeads(points=points, stated_total=_total(content["image_info"]))]
    if "annPoints" in content:
        return [ImageHeads(points=points_of(content["annPoints"], path))]
    return [ImageHeads(points=points_of(_onlypoints_of(content, path), path))]


def _onlypoints_of(content: dict[str, Any], path: Path) -> Any:
    """Return the one matrix that may hold points."""
    matrices = {
        name: value
        for name, value in content.items()
        if getattr(value, "ndim", 0) == 2 and 2 in value.shape and value.dtype.kind in "iuf"
    }
    # Two numbers are a size, unless their name says that they are a head.
    several = {
        name: value
        for name, value in matrices.items()
        if value.size > 2 or any(word in name.lower() for word in _POINTS)
    }
    if len(several) == 1:
        return next(iter(several.values()))
    if not several and matrices:
        raise DataError(
            f"{path}: expected image_info, annPoints or one (N, 2) matrix, got {', '.join(sorted(matrices))} of two "
            "numbers, which may be a size; save the points as annPoints"
        )
    raise DataError(
        f"{path}: expected image_info, annPoints or one (N, 2) matrix, got the variables "
        f"{sorted(content)}; save the points as annPoints"
    )


def _total(info: Any) -> int | None:
    """Return the number of heads that ShanghaiTech's files say."""
    while info.dtype.names is None and info.dtype == object and info.size == 1:
        info = info.ravel()[0]
    if info.dtype.names is None or "number" not in info.dtype.names or info.size != 1:
        return None
    number = info["number"].ravel()[0]
    return int(number.ravel()[0]) if getattr(number, "size", 0) == 1 and number.dtype.kind in "iuf" else None


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
    return [points_of(_field(frame, "loc", path), path) for frame in content["frame"].ravel()]


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


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    from scipy.io.matlab import savemat

    files: dict[str, str | bytes] = {}
    for image in images:
        content = io.BytesIO()
        savemat(content, {"annPoints": image.points.double().numpy()})  # type: ignore[no-untyped-call]
        files[str(PurePosixPath(image.known_name()).with_suffix(".mat"))] = content.getvalue()
    return files


FORMATS = (
    Format(
        name="mat",
        title="MATLAB (mat): image_info, annPoints",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("classes", "sizes"),
        convention="matlab",
    ),
)
