"""Convert tensors to Pillow images and save them."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image


def to_pil(image: "Tensor | Image") -> "Image":
    """Turn a picture into a Pillow image in RGB.

    Args:
        image: Shape (3, H, W), or gray (H, W) or (1, H, W); uint8, or floating in [0, 1] (clipped). A Pillow image
            is converted to RGB.

    Returns:
        The Pillow image.

    Raises:
        ShapeError: If the tensor is not a picture.
        DTypeError: If the tensor is neither floating nor uint8.

    Examples:
        >>> import torch
        >>> to_pil(torch.zeros(3, 4, 6)).size
        (6, 4)
    """
    from PIL import Image

    if isinstance(image, Image.Image):
        return image.convert("RGB")
    if not isinstance(image, Tensor):
        raise DTypeError(f"image: expected a tensor or a Pillow image, got {type(image).__name__}")
    plane = image[None] if image.ndim == 2 else image
    if plane.ndim != 3 or plane.shape[0] not in (1, 3) or plane.numel() == 0:
        raise ShapeError(
            f"image: expected (3, H, W), (1, H, W) or (H, W), got {tuple(image.shape)}; "
            "take one image of the batch"
        )
    if plane.is_floating_point():
        plane = plane.detach().to(torch.float32).nan_to_num().clamp(0, 1).mul(255).round().to(torch.uint8)
    elif plane.dtype != torch.uint8:
        raise DTypeError(
            f"image: expected floating RGB in [0, 1] or uint8, got {image.dtype}; convert it first"
        )
    return Image.fromarray(plane.expand(3, -1, -1).permute(1, 2, 0).contiguous().cpu().numpy())


def save_image(image: "Tensor | Image", path: str | PathLike[str]) -> Path:
    """Write a picture to a file; the suffix decides the format (``.png``, ``.jpg``, ``.webp``).

    Args:
        image: A tensor as :func:`to_pil` takes it, or a Pillow image.
        path: The file. Missing folders are created; an existing file is replaced.

    Returns:
        The path.

    Raises:
        ArgumentError: If Pillow knows no format with this suffix.
        ShapeError: If the tensor is not a picture.
    """
    from PIL import Image

    target = Path(path)
    if Image.registered_extensions().get(target.suffix.lower()) not in Image.SAVE:
        raise ArgumentError(f"path: expected a picture suffix such as .png or .jpg, got {target.name!r}")
    picture = to_pil(image)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() in (".jpg", ".jpeg", ".webp"):
        picture.save(target, quality=92)
    else:
        picture.save(target)
    return target
