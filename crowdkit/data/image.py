"""Read photographs from disk: every kind of file becomes float32 RGB in [0, 1]."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from crowdkit.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

_GREYSCALE = ("1", "L", "LA", "I", "F")
_EXIF_ORIENTATION = 0x0112


class Header(NamedTuple):
    """What an image file says of itself before its pixels are decoded.

    Attributes:
        size: Height and width of the pixels as stored.
        greyscale: Whether it has no colour.
        orientation: The EXIF orientation: 1 is upright, 2 to 8 are turned or mirrored.
    """

    size: tuple[int, int]
    greyscale: bool
    orientation: int


def read_header(path: str | Path) -> Header:
    """Read size and kind of an image without decoding it.

    Raises:
        DataError: If the file is missing or is not an image.
    """
    with _opened(Path(path)) as image:
        return Header(
            size=(image.height, image.width),
            greyscale=image.mode.split(";")[0] in _GREYSCALE,
            orientation=image.getexif().get(_EXIF_ORIENTATION, 1),
        )


def read_size(path: str | Path, *, orient: bool = False) -> tuple[int, int]:
    """Read height and width of an image without decoding it.

    Args:
        path: The file.
        orient: Whether :func:`read_image` will turn it upright.

    Returns:
        Height and width.

    Raises:
        DataError: If the file is missing or is not an image.
    """
    header = read_header(path)
    height, width = header.size
    return (width, height) if orient and header.orientation in (5, 6, 7, 8) else (height, width)


def read_image(path: str | Path, *, orient: bool = False) -> Tensor:
    """Read an image as float32 RGB in [0, 1].

    Greyscale becomes RGB, CMYK and palettes are converted, transparency is ignored, 16 bits keep their
    range, and of several frames the first is taken.

    Args:
        path: The file.
        orient: Turn the image upright as its EXIF tag says. Off by default: the heads of the research data
            sets are marked on the pixels as stored. Turn it on for photographs from a camera or a phone.

    Returns:
        Shape (3, H, W).

    Raises:
        DataError: If the file is missing, truncated or not an image, or its pixels are floating point or 32-bit
            integers without a value above 255.
    """
    import numpy as np
    from PIL import ImageOps

    with _opened(Path(path)) as image:
        upright = ImageOps.exif_transpose(image) if orient else image
        if upright.mode.startswith("I"):  # 16 bits; Pillow's own conversion to RGB would clip them at 255
            values = np.asarray(upright)
            if upright.mode == "I" and values.max() <= 255:
                raise DataError(
                    f"{path}: expected 32-bit pixels in the range of 16 bits, got none above 255; "
                    "save it with 8 or 16 bits"
                )
            grey = torch.from_numpy(values.astype(np.float32) / 65535)
            return grey.clamp(0, 1).expand(3, -1, -1).contiguous()
        if upright.mode == "F":
            raise DataError(
                f"{path}: expected whole-number pixels, got floating point; save it with 8 or 16 bits"
            )
        if upright.mode == "P":
            upright = upright.convert("RGBA")
        pixels = np.array(upright.convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float().div_(255)


@contextmanager
def _opened(path: Path) -> "Iterator[Image]":
    import PIL.Image

    # Pillow's limit guards web servers against bombs; crowd photographs are honestly large.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # damaged EXIF data and the like
            with PIL.Image.open(path) as image:
                yield image
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected an image, got no such file; check the path") from error
    except PIL.UnidentifiedImageError as error:
        raise DataError(
            f"{path}: expected an image, got a file of unknown format; convert it to JPEG or PNG"
        ) from error
    except DataError:
        raise
    # Pillow's decoders raise all of these on damaged files.
    except (OSError, SyntaxError, ValueError, EOFError, PIL.Image.DecompressionBombError) as error:
        raise DataError(
            f"{path}: expected a readable image, got a damaged one ({error}); replace the file"
        ) from error
