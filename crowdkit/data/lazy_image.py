"""The pixels of one image, of which any part becomes a tensor when it is wanted."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.data.image import read_pixels, read_size, unit_range
from crowdkit.data.mapped import mapped_pixels
from crowdkit.errors import DataError, DTypeError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Box(NamedTuple):
    """Part of an image in pixels, half-open: rows from ``top`` to before ``bottom``.

    Attributes:
        top: First row.
        bottom: One past the last row.
        left: First column.
        right: One past the last column.
    """

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


@runtime_checkable
class PixelArray(Protocol):
    """What slices like an array: NumPy's, a memory map, a data set of h5py or zarr, ..."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and, for color, 3."""

    @property
    def dtype(self) -> Any:
        """``uint8`` or ``uint16``."""

    def __getitem__(self, key: Any, /) -> Any:
        """Give the pixels of some rows and columns."""


Source = Path | Tensor | PixelArray


class LazyImage:
    """The pixels of one image. Whole numbers stay whole numbers until a part is asked for.

    Args:
        pixels: RGB in [0, 1], shape :math:`(3, H, W)`; or whole numbers of 8 or 16 bits, shape
            :math:`(H, W, 3)`, or :math:`(H, W)` for gray.
        path: The file they come from.
        reread: Decodes the pixels again, the same ones, after :meth:`release`.

    Raises:
        ShapeError: If the shape is another.
        DTypeError: If an array does not hold whole numbers of 8 or 16 bits.

    Examples:
        >>> picture = LazyImage(torch.rand(3, 40, 60))
        >>> picture.size, tuple(picture.part(Box(8, 16, 0, 60)).shape)
        ((40, 60), (3, 8, 60))
    """

    def __init__(
        self,
        pixels: Tensor | PixelArray,
        path: Path | None = None,
        *,
        reread: Callable[[], PixelArray] | None = None,
    ) -> None:
        self.path = path
        self._pixels: Tensor | PixelArray | None = pixels
        self._reread = reread
        shape = tuple(pixels.shape)
        if isinstance(pixels, Tensor):
            if len(shape) != 3 or shape[0] != 3:
                raise ShapeError(f"images: expected tensors of shape (3, H, W), got {shape}")
            self.size = (shape[1], shape[2])
            return
        if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or 0 in shape:
            raise ShapeError(f"images: expected arrays of shape (H, W, 3) or (H, W), got {shape}")
        if str(pixels.dtype) not in ("uint8", "uint16", "int32"):
            raise DTypeError(
                f"images: expected arrays of uint8 or uint16, got {pixels.dtype}; give floating-point images "
                "as tensors (3, H, W) with values in [0, 1]"
            )
        self.size = (shape[0], shape[1])

    @property
    def whole(self) -> Box:
        """All of it."""
        return Box(0, self.size[0], 0, self.size[1])

    def part(self, box: Box, *, device: torch.device | None = None) -> Tensor:
        """Give a part as an image.

        Args:
            box: Which part.
            device: Where it is wanted.

        Returns:
            RGB in [0, 1], shape :math:`(3, h, w)`.
        """
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        pixels = self._kept()
        if isinstance(pixels, Tensor):
            return pixels[:, rows, columns].to(device)
        import numpy as np

        values: NDArray[Any] = np.asarray(pixels[rows, columns])
        if values.dtype == np.uint8 and values.ndim == 2:
            values = np.repeat(values[..., None], 3, axis=-1)
        return unit_range(values, device=device)

    def release(self) -> None:
        """Let go of the pixels if they can be decoded again; whoever asks for a part then waits for that."""
        if self._reread is not None:
            self._pixels = None

    def _kept(self) -> Tensor | PixelArray:
        if self._pixels is not None:
            return self._pixels
        pixels = cast("Callable[[], PixelArray]", self._reread)()
        if tuple(pixels.shape[:2]) != self.size:
            raise DataError(
                f"{self.path or 'image'}: expected {self.size[0]} x {self.size[1]} pixels as before, got "
                f"{pixels.shape[0]} x {pixels.shape[1]}; count it again, it has changed"
            )
        self._pixels = pixels
        return pixels

    def shrunk(self, pixels: int) -> Tensor:
        """Give the whole image, by averages over squares if it has more than so many pixels.

        Args:
            pixels: How many it may have.

        Returns:
            RGB in [0, 1], shape :math:`(3, h, w)`.

        Examples:
            >>> LazyImage(torch.rand(3, 40, 60)).shrunk(600).shape
            torch.Size([3, 20, 30])
        """
        height, width = self.size
        factor = 1
        while -(-height // factor) * -(-width // factor) > pixels:
            factor += 1
        if factor == 1:
            return self.part(self.whole)
        step = max(1, 512 // factor) * factor
        strips = [
            F.avg_pool2d(self.part(Box(top, min(top + step, height), 0, width)), factor, ceil_mode=True)
            for top in range(0, height, step)
        ]
        return torch.cat(strips, dim=1)


def open_image(source: Source) -> LazyImage:
    """Open an image, its file turned upright as its EXIF tag says.

    The pixels of ``.npy`` files and of uncompressed TIFF stay on the disk until a part is asked for.

    Args:
        source: A file, a tensor, or what slices like an array.

    Returns:
        The picture.

    Raises:
        DataError: If the file cannot be read.
        ShapeError: If a tensor or array is no image.
        DTypeError: If an array does not hold whole numbers of 8 or 16 bits.
    """
    if not isinstance(source, Path):
        return LazyImage(source)
    mapped = mapped_pixels(source)
    if mapped is None:
        read = partial(read_pixels, source, orient=True)
        return LazyImage(read(), source, reread=read)
    try:
        return LazyImage(mapped, source)
    except (ShapeError, DTypeError) as error:
        raise DataError(f"{source}: {error}") from error


def decoded_bytes(source: Source) -> int:
    """Estimate the bytes that :func:`open_image` takes.

    Args:
        source: As there.

    Returns:
        Three bytes a pixel for a file, 0 for what is in memory or stays on the disk, or cannot be read.
    """
    if not isinstance(source, Path):
        return 0
    try:
        height, width = read_size(source)
    except DataError:
        return 0
    return 3 * height * width
