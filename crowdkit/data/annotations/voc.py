"""Heads as Pascal VOC boxes, the XML of labelImg and SCUT-HEAD."""

from pathlib import Path
from xml.etree import ElementTree

import torch
from torch import Tensor

from crowdkit.errors import DataError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(path: Path) -> tuple[Tensor, Tensor]:
    """Read the heads of one image from a Pascal VOC ``.xml`` file.

    Args:
        path: The file; every ``<object>`` with a ``<bndbox>`` is a head.

    Returns:
        Centers, shape (N, 2), float64 (x, y) in the file's own coordinates, and the side of each head in pixels
        (the root of its box's area), shape (N,), float64.

    Raises:
        DataError: If the file is missing, is no VOC file, or a box is missing or not a box.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 (expat bounds the growth of entities)
    except OSError as error:
        raise DataError(
            f"{path}: expected an annotation file, got {error.strerror}; check the path"
        ) from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(
            f"{path}: expected Pascal VOC XML, got a damaged file ({error}); replace it"
        ) from error
    if root.tag != "annotation":
        raise DataError(f"{path}: expected <annotation>, the root of Pascal VOC, got <{root.tag[:40]}>")
    boxes = [_box(each, path) for each in root.iter("object")]
    corners = torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4)
    low, high = corners[:, :2], corners[:, 2:]
    return (low + high) / 2, (high - low).prod(dim=1).sqrt()


def _box(head: ElementTree.Element, path: Path) -> list[float]:
    written = [head.findtext(f"bndbox/{name}", "") for name in _CORNERS]
    try:
        left, top, right, bottom = (float(each) for each in written)
    except ValueError as error:
        raise DataError(
            f"{path}: expected four numbers in <bndbox>, got {dict(zip(_CORNERS, written, strict=True))}"
        ) from error
    if not (left < right and top < bottom):
        raise DataError(
            f"{path}: expected xmin < xmax and ymin < ymax, got the box {[left, top, right, bottom]}; correct it"
        )
    return [left, top, right, bottom]
