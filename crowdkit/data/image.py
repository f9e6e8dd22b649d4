"""Read photographs from disk: every kind of file becomes float32 RGB in [0, 1]."""

import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from crowdkit.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".heic", ".heif"),
)

_HEIC = (".heic", ".heif")
# Pillow goes by content and knows formats that run programs: an EPS file called photo.jpg would start Ghostscript.
_FORMATS: tuple[str, ...] = ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
_GRAYSCALE = ("1", "L", "LA", "I", "F")
_EXIF_ORIENTATION = 0x0112

# Silencing warnings changes the whole process: two threads in it would leave each other's silence behind.
_silence = threading.Lock()


def is_image(path: Path) -> bool:
    """Tell whether a file is called as images are; what macOS and Windows leave beside them is not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def images_left_out(places: Iterable[str | Path], files: Iterable[Path]) -> list[str]:
    """Say what :func:`list_images` leaves out: images in folders below, and pages behind the first.

    Args:
        places: The files and folders that were named.
        files: The images that were listed.

    Returns:
        A line for each.
    """
    lines = []
    for place in map(Path, places):
        if not place.is_dir():
            continue
        for folder in sorted(
            each for each in place.iterdir() if each.is_dir() and not each.name.startswith(".")
        ):
            number = sum(is_image(file) for file in folder.rglob("*"))
            if number:
                lines.append(f"{folder}: not counted, {_images(number)} below; name the folder to count them")
    for file in files:
        if file.suffix.lower() not in (".tif", ".tiff", ".gif", ".webp"):
            continue
        try:
            pages = read_header(file).pages
        except DataError:
            continue  # reported when it is its turn
        if pages > 1:
            lines.append(
                f"{file}: the first of {pages} pages is counted; save the others as images of their own"
            )
    return lines


def _images(number: int) -> str:
    return "an image" if number == 1 else f"{number} images"


class Header(NamedTuple):
    """What an image file says of itself before its pixels are decoded.

    Attributes:
        size: Height and width of the pixels as stored.
        grayscale: Whether it has no color.
        orientation: The EXIF orientation: 1 is upright, 2 to 8 are turned or mirrored.
        pages: How many images are in the file; the first is read.
    """

    size: tuple[int, int]
    grayscale: bool
    orientation: int
    pages: int = 1


def list_images(places: Iterable[str | Path]) -> list[Path]:
    """List image files: folders become the images in them, by name.

    Args:
        places: Files and folders.

    Returns:
        The files; those that were named are not looked at.

    Raises:
        DataError: If a folder holds no image.
    """
    files: list[Path] = []
    for place in map(Path, places):
        if not place.is_dir():
            files.append(place)
            continue
        found = sorted(each for each in place.iterdir() if is_image(each))
        if not found:
            raise DataError(f"images: expected images ({', '.join(IMAGE_SUFFIXES)}) in {place}, got none")
        files += found
    return files


def read_header(path: str | Path) -> Header:
    """Read size and kind of an image without decoding it.

    Raises:
        DataError: If the file is missing or is not an image.
    """
    with opened(Path(path)) as image:
        return Header(
            size=(image.height, image.width),
            grayscale=image.mode.split(";")[0] in _GRAYSCALE,
            orientation=orientation(image),
            pages=getattr(image, "n_frames", 1),
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
    with opened(Path(path)) as image:
        return _upright_size(image) if orient else (image.height, image.width)


def read_image(path: str | Path, *, orient: bool = False) -> Tensor:
    """Read an image as float32 RGB in [0, 1].

    Grayscale becomes RGB, CMYK and palettes are converted, transparency is ignored, 16 bits keep their
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
    return unit_range(read_pixels(path, orient=orient))


def read_pixels(path: str | Path, *, orient: bool = False) -> "NDArray[Any]":
    """Read the pixels of an image as whole numbers, as :func:`read_image` does before it scales them.

    A quarter of the memory of the float32 image, for images so large that only a part of them is ever looked at
    at once; :func:`unit_range` makes the image of any part. May be called from several threads.

    Args:
        path: The file.
        orient: As for :func:`read_image`.

    Returns:
        RGB of 8 bits, shape (H, W, 3), or gray of 16 bits, shape (H, W). Read-only.

    Raises:
        DataError: As for :func:`read_image`.
    """
    with opened(Path(path)) as image:
        return _whole_numbers(image, str(path), orient=orient)


def decode_pixels(image: "bytes | Image", *, name: str = "image") -> "NDArray[Any]":
    """Read the upright pixels of an encoded image, or of a Pillow image, as :func:`read_pixels` does of a file.

    Args:
        image: What a file holds, or a Pillow image.
        name: What errors call it.

    Returns:
        RGB of 8 bits, shape (H, W, 3), or gray of 16 bits, shape (H, W). Read-only.

    Raises:
        DataError: As for :func:`read_image`.
    """
    with _reporting(name):
        if not isinstance(image, bytes):
            return _whole_numbers(image, name, orient=True)
        with _pillow(BytesIO(image)) as encoded:
            return _whole_numbers(encoded, name, orient=True)


def _whole_numbers(image: "Image", name: str, *, orient: bool) -> "NDArray[Any]":
    import numpy as np

    image.load()  # not while warnings are silenced: it is the long part, and would keep other threads waiting
    upright = _upright(image) if orient else image
    if upright.mode.startswith("I"):  # 16 bits; Pillow's own conversion to RGB would clip them at 255
        values = np.asarray(upright)
        if upright.mode == "I" and values.max() <= 255:
            raise DataError(
                f"{name}: expected 32-bit pixels in the range of 16 bits, got none above 255; "
                "save it with 8 or 16 bits"
            )
        return values
    if upright.mode == "F":
        raise DataError(
            f"{name}: expected whole-number pixels, got floating point; save it with 8 or 16 bits"
        )
    if upright.mode == "P":
        upright = upright.convert("RGBA")
    return np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"))


def unit_range(pixels: "NDArray[Any]", *, device: torch.device | None = None) -> Tensor:
    """Make the float32 RGB image in [0, 1] of whole numbers.

    Args:
        pixels: RGB of 8 bits, shape (H, W, 3), or RGB or gray of 16 bits, gray of shape (H, W).
        device: Where the image is wanted; the whole numbers travel, and become float32 there.

    Returns:
        Shape (3, H, W).

    Examples:
        >>> import numpy as np
        >>> unit_range(np.full((1, 2, 3), 255, dtype=np.uint8)).tolist()
        [[[1.0, 1.0]], [[1.0, 1.0]], [[1.0, 1.0]]]
    """
    import numpy as np

    planes = pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]
    if planes.dtype == np.uint8:
        return torch.from_numpy(planes.copy()).to(device).float().div_(255)
    scaled = torch.from_numpy(planes.astype(np.float32) / np.float32(65535)).to(device)
    return scaled.clamp_(0, 1).expand(3, -1, -1).contiguous()


def _upright_size(image: "Image") -> tuple[int, int]:
    turned = orientation(image) in (5, 6, 7, 8)
    return (image.width, image.height) if turned else (image.height, image.width)


def _upright(image: "Image") -> "Image":
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    turn = turns.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def orientation(image: "Image") -> int:
    """Read the EXIF orientation: 1 is upright."""
    with _silenced():
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


@contextmanager
def _silenced() -> Iterator[None]:
    import PIL.Image

    # Pillow's limit guards web servers against bombs; crowd photographs are honestly large.
    with _silence, warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)  # damaged EXIF data and the like
        yield


def _learn_heic(path: Path) -> None:
    """Teach Pillow the format of a phone's photographs."""
    try:
        heif: Any = import_module("pillow_heif")
    except ImportError as error:
        raise DataError(
            f"{path}: expected pillow-heif, to read HEIC, got {error}; pip install 'crowdkit[heic]', or convert it to "
            "JPEG"
        ) from error
    heif.register_heif_opener()


@contextmanager
def opened(path: Path) -> "Iterator[Image]":
    """Open an image with Pillow; whatever is wrong with the file becomes a :class:`DataError`."""
    with _reporting(str(path)), _pillow(path) as image:
        yield image


def _pillow(file: Path | BytesIO) -> "Image":
    import PIL.Image

    formats = _FORMATS
    if isinstance(file, Path) and file.suffix.lower() in _HEIC:
        _learn_heic(file)
        formats = (*formats, "HEIF")
    with _silenced():
        return PIL.Image.open(file, formats=formats)


@contextmanager
def _reporting(name: str) -> Iterator[None]:
    import PIL.Image

    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{name}: expected an image, got no such file; check the path") from error
    except PIL.UnidentifiedImageError as error:
        raise DataError(
            f"{name}: expected an image, got a file of unknown format; convert it to JPEG or PNG"
        ) from error
    except PIL.Image.DecompressionBombError as error:
        limit = 2 * (PIL.Image.MAX_IMAGE_PIXELS or 0)
        raise DataError(
            f"{name}: expected at most {limit} pixels, which is Pillow's guard, got more; set "
            "PIL.Image.MAX_IMAGE_PIXELS = None if you trust the file"
        ) from error
    except DataError:
        raise
    # Pillow's decoders raise all of these on damaged files.
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DataError(
            f"{name}: expected a readable image, got a damaged one ({error}); replace the file"
        ) from error
