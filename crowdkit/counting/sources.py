"""What may be counted: files, folders, patterns, lists, addresses, and images in memory."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast
from urllib.parse import urlsplit

from torch import Tensor

from crowdkit.counting.fetch import fetch
from crowdkit.counting.in_memory import decode, open_array, pixels_of, read_all
from crowdkit.counting.kinds import CAMERA, HEAD_BYTES, STREAM, Kind, recognize, refusal
from crowdkit.counting.result import Unreadable, name_of
from crowdkit.data import IMAGE_SUFFIXES, LazyImage, PixelArray, decoded_bytes, open_image
from crowdkit.errors import DataError, printable

if TYPE_CHECKING:
    from PIL.Image import Image

Source: TypeAlias = "str | Path | bytes | BinaryIO | Image | Tensor | PixelArray"

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_STREAMS = ("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "srt", "tcp")
_LIST_BYTES = 64 * 2**20


def list_sources(
    given: "Source | Iterable[Source]", *, recursive: bool = False
) -> "Iterator[Source | Unreadable]":
    """List the single images of whatever is named.

    - A folder: the images in it, by name, told by their endings. Links to folders are not followed.
    - A pattern (``"photos/*.jpg"``, ``"**"`` for any folder), where no file is called so: the files that match.
    - A text file, ``.txt``: one path per line, from the list's own folder; ``#`` begins a comment.
    - A four-dimensional array or tensor: the images of a batch.
    - Any other iterable: what its members are.
    - Everything else: itself.

    Nothing is opened but lists, and nothing is fetched.

    Args:
        given: What is named.
        recursive: Whether to take the images of folders within folders.

    Yields:
        A path, an address, an image in memory; or why there is none.

    Examples:
        >>> [*list_sources(["a.jpg", "https://example.org/b.jpg"])]
        [PosixPath('a.jpg'), 'https://example.org/b.jpg']
    """
    if isinstance(given, str) and _ADDRESS.match(given):
        yield given
    elif isinstance(given, (str, Path)):
        yield from _list_files(Path(given), recursive=recursive)
    elif isinstance(given, (bytes, bytearray, memoryview, Unreadable)) or hasattr(given, "read"):
        yield cast("Source", given)
    elif isinstance(given, (Tensor, PixelArray)):
        if len(given.shape) == 4:
            yield from (given[index] for index in range(given.shape[0]))
        else:
            yield given
    elif isinstance(given, Iterable) and not isinstance(given, dict):
        for each in given:
            yield from list_sources(each, recursive=recursive)
    else:
        yield cast("Source", given)  # reported when it is opened, whatever it is


def open_source(source: "Source | Unreadable") -> LazyImage:
    """Open one image.

    Files, addresses, bytes and Pillow images are turned upright as their EXIF tag says.

    Args:
        source: A file, an address (``http://``, ``https://``), the bytes of a file, a file that is open, a Pillow
            image, an array (8 or 16 bits, or floating point in [0, 1]; :math:`(H, W, 3)` or :math:`(H, W)`), or a
            tensor (floating point in [0, 1] or uint8, :math:`(3, H, W)`).

    Returns:
        The image.

    Raises:
        DataError: If it cannot be read, or is something else.
        ShapeError: If an array or tensor has another shape.
        DTypeError: If an array or tensor holds other numbers.
    """
    if isinstance(source, Unreadable):
        raise DataError(source.reason)
    if isinstance(source, str) and _ADDRESS.match(source):
        if urlsplit(source).scheme.lower() in _STREAMS:
            raise refusal(source, STREAM)
        return decode(fetch(source), source)
    if isinstance(source, (str, Path)):
        return _opened_file(Path(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode(bytes(source), "bytes")
    if isinstance(source, (Tensor, PixelArray)):
        return open_array(source)
    if hasattr(source, "read"):
        return decode(read_all(source, name_of(source)), name_of(source))
    if hasattr(source, "getexif"):  # a Pillow image, which is not worth an import to tell
        return pixels_of(source, name_of(source))
    kind = CAMERA if isinstance(source, int) else Kind(type(source).__name__, "give a file, array or tensor")
    raise refusal(printable(repr(source)[:60]), kind)


def weight_of(source: object) -> int:
    """Estimate the bytes that an image takes once it is decoded; 0 for what is in memory, or is no plain file."""
    return decoded_bytes(source) if isinstance(source, Path) and source.is_file() else 0


def _list_files(path: Path, *, recursive: bool) -> Iterator[Path | Unreadable]:
    try:
        if path.is_dir():
            found = sorted(_images_in(path, recursive=recursive))
            missing = f"images ({', '.join(IMAGE_SUFFIXES)}) in {path}"
        elif path.suffix.lower() == ".txt" and path.is_file():
            found, missing = _read_list(path), f"one path per line in {path}"
        elif has_magic(str(path)) and not os.path.lexists(path):
            matches = sorted(map(Path, glob(str(path), recursive=True)))  # noqa: PTH207 - of any folder
            found, missing = [each for each in matches if not each.is_dir()], f"files that match {path}"
        else:
            yield path
            return
    except (OSError, ValueError) as error:
        yield Unreadable.of(path, f"expected images in {path}, got {_words(error)}; check the path")
        return
    if not found:
        yield Unreadable.of(path, f"images: expected {missing}, got none; check the path")
    yield from found


def _images_in(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_raise):
        yield from (Path(place, name) for name in files if name.lower().endswith(IMAGE_SUFFIXES))
        if not recursive:
            folders.clear()


def _raise(error: OSError) -> None:
    raise error


def _read_list(file: Path) -> list[Path]:
    with file.open("rb") as lines:
        content = lines.read(_LIST_BYTES + 1)
    if len(content) > _LIST_BYTES or b"\0" in content:
        raise ValueError("no list of paths")
    named = (os.fsdecode(line.strip()) for line in content.removeprefix(b"\xef\xbb\xbf").splitlines())
    return [file.parent / name for name in named if name and not name.startswith("#")]


def _opened_file(path: Path) -> LazyImage:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise DataError(f"{path}: expected an image, got {_special(mode)}; name a file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected an image, got no such file; check the path") from error
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: expected an image, got {_words(error)}; check the path") from error
    if (kind := recognize(head, path.name)) is not None:
        raise refusal(str(path), kind)
    return open_image(path)


def _special(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe (FIFO)"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
