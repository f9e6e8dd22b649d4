"""Images that are in memory: encoded, or as arrays and tensors."""

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from crowdkit.counting.kinds import HEAD_BYTES, recognize, refusal
from crowdkit.data import LazyImage, PixelArray, decode_pixels
from crowdkit.errors import DataError, DTypeError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_BYTES = 2**30
# Resampling overshoots [0, 1] by a little; images of 0 to 255, or with mean and deviation taken out, by far more.
_LOWEST, _HIGHEST = -0.5, 1.5


def read_all(file: Any, name: str) -> bytes:
    """Read an open file to its end."""
    content = file.read(_MOST_BYTES + 1)
    if not isinstance(content, bytes):
        raise DataError(f"{name}: expected a file opened to read bytes, got text; open it with 'rb'")
    if len(content) > _MOST_BYTES:
        raise DataError(f"{name}: expected at most {_MOST_BYTES} bytes, got more; name the file by its path")
    return content


def decode(content: bytes, name: str) -> LazyImage:
    """Open what an image file holds."""
    if (kind := recognize(content[:HEAD_BYTES])) is not None:
        raise refusal(name, kind)
    return pixels_of(content, name)


def pixels_of(image: "bytes | Image", name: str) -> LazyImage:
    """Open an encoded image or a Pillow image."""
    read = partial(decode_pixels, image, name=name)
    return LazyImage(read(), reread=read)


def open_array(pixels: Tensor | PixelArray) -> LazyImage:
    """Open an array or a tensor, after a look at the range of floating-point pixels."""
    if isinstance(pixels, Tensor):
        pixels = pixels.detach()
        if pixels.is_floating_point():
            return LazyImage(_in_range(pixels.float(), "tensor"))
        if pixels.dtype != torch.uint8:
            raise DTypeError(
                f"tensor: expected floating point in [0, 1] or uint8, got {pixels.dtype}; convert it"
            )
        if pixels.ndim != 3 or pixels.shape[0] != 3:
            raise ShapeError(f"tensor: expected shape (3, H, W), got {tuple(pixels.shape)}; permute it")
        return LazyImage(pixels.permute(1, 2, 0).cpu().numpy())
    if "float" not in str(pixels.dtype):
        return LazyImage(pixels)
    import numpy as np

    values = torch.from_numpy(np.array(pixels, dtype=np.float32))
    if values.ndim == 2:
        values = values[..., None].expand(-1, -1, 3)
    if values.ndim != 3 or values.shape[-1] != 3:
        raise ShapeError(
            f"array: expected shape (H, W, 3) or (H, W), got {tuple(pixels.shape)}; transpose it"
        )
    return LazyImage(_in_range(values.permute(2, 0, 1), "array"))


def _in_range(pixels: Tensor, name: str) -> Tensor:
    if pixels.numel() == 0:
        raise ShapeError(f"{name}: expected pixels, got shape {tuple(pixels.shape)}")
    low, high = (float(end) for end in pixels.aminmax())
    if not (low >= _LOWEST and high <= _HIGHEST):  # also where a pixel is not a number
        raise DataError(
            f"{name}: expected floating-point pixels in [0, 1], got {low:g} to {high:g}; divide 0 to 255 by 255, "
            "and leave mean and deviation to the model"
        )
    return pixels
