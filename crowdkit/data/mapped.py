"""Pixels that can be mapped into memory from their file instead of decoded."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crowdkit.data.image import opened, orientation
from crowdkit.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mapped_pixels(path: str | Path) -> "NDArray[Any] | None":
    """Map the pixels of a file into memory, if it stores them uncompressed.

    Rows are then read from disk when they are used. This works for ``.npy`` files and for uncompressed, upright TIFF of
    8-bit RGB in consecutive strips. Pillow decodes every other format completely.

    Args:
        path: The file.

    Returns:
        The content, read-only, RGB of shape (H, W, 3) for TIFF; ``None`` if it must be decoded.

    Raises:
        DataError: If a ``.npy`` or TIFF file is missing or damaged.
    """
    import numpy as np

    file = Path(path)
    if file.suffix.lower() == ".npy":
        try:
            array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError as error:
            raise DataError(f"{path}: expected an image, got no such file; check the path") from error
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path}: expected an array of whole numbers, got {error}") from error
        return array
    if file.suffix.lower() not in (".tif", ".tiff"):
        return None
    with opened(file) as image:
        if image.mode != "RGB" or orientation(image) != 1:
            return None
        width, height = image.size
        strips: Any = getattr(image, "tile", [])
        begin = _begin(strips, width, height)
    if begin is None or begin + 3 * width * height > file.stat().st_size:
        return None
    return np.memmap(file, np.uint8, mode="r", offset=begin, shape=(height, width, 3))


def _begin(strips: Any, width: int, height: int) -> int | None:
    """Find the offset of the pixels, if Pillow's strips are raw RGB rows in sequence."""
    begin: int | None = None
    below = 0
    for decoder, (left, top, right, bottom), offset, arguments in strips:
        begin = offset if begin is None else begin
        follows = (left, top, right) == (0, below, width) and offset == begin + 3 * width * top
        if decoder != "raw" or arguments[0] != "RGB" or arguments[1] not in (0, 3 * width) or not follows:
            return None
        below = bottom
    return begin if below == height else None
