"""Images whose sides are not divisible by the poolings: padded by default; resized or cropped as in the originals."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.ops import cells_across, pad_to_multiple

Edges = Literal["pad", "resize", "drop"]
EDGES = ("pad", "resize", "drop")
PadOrDrop = Literal["pad", "drop"]
PAD_OR_DROP = ("pad", "drop")


def fit_images(images: Tensor, multiple: int, *, edges: Edges) -> Tensor:
    """Bring images to a size that a network accepts.

    Args:
        images: Normalized, shape :math:`(B, C, H, W)`.
        multiple: The total factor of the network's poolings.
        edges: ``"pad"``: pad with zeros at the right and bottom to multiples. ``"resize"``: resize bilinearly down
            to multiples. ``"drop"``: leave the remainder to the poolings, which drop it. An image smaller than
            ``multiple`` is enlarged or padded to it in every case.

    Returns:
        Images for the network.
    """
    height, width = images.shape[-2:]
    if edges == "pad":
        return pad_to_multiple(images, multiple)
    if edges == "drop":
        return F.pad(images, (0, max(0, multiple - width), 0, max(0, multiple - height)))
    size = [max(1, side // multiple) * multiple for side in (height, width)]
    # A symbolic side is not an int: evaluating it would fix an export to images of this size.
    if isinstance(height, int) and isinstance(width, int) and size == [height, width]:
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def fit_density(density: Tensor, size: torch.Size, *, stride: int, edges: Edges) -> Tensor:
    r"""Map a density map onto the cells of the original image, preserving the count.

    Args:
        density: Map of the images that :func:`fit_images` returned, shape :math:`(B, 1, h', w')`.
        size: :math:`(H, W)` of the original image.
        stride: Side of a cell, in pixels.
        edges: As in :func:`fit_images`. After ``"resize"`` a cell's people are distributed by area; after
            ``"drop"`` the dropped cells are empty.

    Returns:
        People per cell, shape :math:`(B, 1, \lceil H/s \rceil, \lceil W/s \rceil)`.
    """
    rows, columns = (cells_across(side, stride) for side in size)
    if edges == "resize":
        # Under autocast, matrix products would be in half precision.
        with torch.autocast(density.device.type, enabled=False):
            down = _shares(density, density.shape[-2], size[0], stride)
            across = _shares(density, density.shape[-1], size[1], stride)
            return torch.einsum("bchw,ih,jw->bcij", density, down, across)
    below, beyond = max(0, rows - density.shape[-2]), max(0, columns - density.shape[-1])
    return F.pad(density, (0, beyond, 0, below))[..., :rows, :columns]


def _shares(like: Tensor, cells: int, side: int, stride: int) -> Tensor:
    """The share of each of ``cells`` equal parts of a side that lies in each cell of ``stride`` pixels."""
    # Lengths multiplied by `cells` are whole numbers, hence exact.
    old = torch.arange(cells + 1, device=like.device) * side
    new = (torch.arange(cells_across(side, stride) + 1, device=like.device) * stride).clamp(max=side) * cells
    low = torch.maximum(old[:-1], new[:-1, None])
    high = torch.minimum(old[1:], new[1:, None])
    return (high - low).clamp(min=0).to(like.dtype) / side
