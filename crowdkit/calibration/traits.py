"""The appearance of an image in seven numbers that are cheap to compute."""

from typing import NamedTuple

import torch
from torch import Tensor

from crowdkit.data import Box, LazyImage
from crowdkit.ops import sum_pool

PATCH = 64
_ACROSS = 8
# ITU-R BT.601
_LUMA = (0.299, 0.587, 0.114)


class Traits(NamedTuple):
    """An image in numbers. All but the first and the last are over 8 x 8 evenly spread patches of 64 x 64 pixels.

    Attributes:
        megapixels: Millions of pixels.
        brightness: Mean luma, 0 to 1.
        contrast: Standard deviation of the luma.
        saturation: Mean of the largest minus the smallest of red, green and blue; 0 for gray.
        detail: Root mean square of the luma's difference between neighbors: low in a blurred or foggy image.
        roughness: The same of its second difference, divided by ``detail``: 0.8 to 1.5 in photographs, less in
            enlarged or blurred images, 1.7 in white noise.
        peak: The most people that the model sees in 64 x 64 pixels: the smaller heads are, the more there can be.
    """

    megapixels: float
    brightness: float
    contrast: float
    saturation: float
    detail: float
    roughness: float
    peak: float


def image_traits(picture: LazyImage, density: Tensor, *, stride: int) -> Traits:
    """Compute an image's traits.

    At most 262,144 pixels are read, however large the image is.

    Args:
        picture: The image.
        density: The model's estimate for it, people per cell, shape :math:`(1, 1, h, w)`.
        stride: Side of a cell in pixels.

    Returns:
        The traits.

    Examples:
        >>> from crowdkit.data import LazyImage
        >>> traits = image_traits(LazyImage(torch.full((3, 200, 300), 0.5)), torch.full((1, 1, 50, 75), 0.01), stride=4)
        >>> traits.megapixels, round(traits.brightness, 3), traits.contrast < 1e-6, round(traits.peak, 2)
        (0.06, 0.5, True, 2.56)
    """
    height, width = picture.size
    rows, columns = _starts(height), _starts(width)
    tall, wide = min(PATCH, height), min(PATCH, width)
    patches = torch.stack(
        [picture.part(Box(row, row + tall, column, column + wide)) for row in rows for column in columns]
    )
    luma = (patches.cpu() * torch.tensor(_LUMA).view(3, 1, 1)).sum(dim=1)
    detail, rough = (_differences(luma, order) for order in (1, 2))
    return Traits(
        megapixels=height * width / 1e6,
        brightness=float(luma.mean()),
        contrast=float(luma.std(correction=0)),
        saturation=float((patches.amax(dim=1) - patches.amin(dim=1)).mean()),
        detail=detail,
        roughness=rough / max(detail, 1e-6),
        peak=float(sum_pool(density, max(1, round(PATCH / stride))).max()),
    )


def _starts(length: int) -> list[int]:
    patches = max(1, min(_ACROSS, length // PATCH))
    if patches == 1:
        return [max(0, (length - PATCH) // 2)]
    return [round(place * (length - PATCH) / (patches - 1)) for place in range(patches)]


def _differences(luma: Tensor, order: int) -> float:
    """Root mean square of the differences of the given order along both sides; 0 where there are no neighbors."""
    steps = [luma.diff(n=order, dim=side).square() for side in (-2, -1) if luma.shape[side] > order]
    return float(torch.cat([each.flatten() for each in steps]).mean().sqrt()) if steps else 0.0
