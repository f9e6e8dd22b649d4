"""Heads for torchvision's v2 transforms, on continuous half-open coordinates."""

from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from crowdkit.data.geometry import flip_points, resize_points, shift_points


class Points(tv_tensors.KeyPoints):
    """Heads as a ``tv_tensors.KeyPoints`` whose flips, resize and pad lose none.

    torchvision mixes conventions: its flips send x to W-1-x (pixel indices), its resize multiplies by the
    ratio (continuous), so heads fall off the canvas. Here pixel (i, j) covers [j, j+1) x [i, i+1) throughout.
    Crops keep points that fall outside; ``v2.SanitizeKeyPoints`` removes them. Everything else is inherited.

    Args:
        data: Shape (N, 2), floating (x, y).
        canvas_size: Height and width of the image.

    Examples:
        >>> from torchvision.transforms.v2 import functional as F
        >>> F.horizontal_flip(Points([[0.25, 1.0]], canvas_size=(4, 6)))
        Points([[5.7500, 1.0000]], canvas_size=(4, 6))
    """


def _rewrap(points: Points, moved: Tensor, canvas_size: tuple[int, int]) -> Points:
    wrapped: Points = tv_tensors.wrap(moved, like=points, canvas_size=canvas_size)
    return wrapped


# torchvision asks kernels to take arguments of later releases.
@F.register_kernel("horizontal_flip", Points)
def _horizontal_flip(points: Points, *_: Any, **__: Any) -> Points:
    width = points.canvas_size[1]
    return _rewrap(points, flip_points(points.as_subclass(Tensor), width, axis=0), points.canvas_size)


@F.register_kernel("vertical_flip", Points)
def _vertical_flip(points: Points, *_: Any, **__: Any) -> Points:
    height = points.canvas_size[0]
    return _rewrap(points, flip_points(points.as_subclass(Tensor), height, axis=1), points.canvas_size)


@F.register_kernel("resize", Points)
def _resize(
    points: Points, size: list[int] | None, *_: Any, max_size: int | None = None, **__: Any
) -> Points:
    # torchvision alone knows what its size and max_size come to.
    canvas: tuple[int, int] = F.resize_keypoints(
        torch.zeros(0, 2), size, canvas_size=points.canvas_size, max_size=max_size
    )[1]
    return _rewrap(points, resize_points(points.as_subclass(Tensor), points.canvas_size, canvas), canvas)


@F.register_kernel("pad", Points)
def _pad(points: Points, padding: list[int], *_: Any, **__: Any) -> Points:
    canvas: tuple[int, int] = F.pad_keypoints(torch.zeros(0, 2), points.canvas_size, padding)[1]
    sides = [padding] if isinstance(padding, int) else list(padding)
    left, top = sides[0], sides[1 % len(sides)]
    return _rewrap(points, shift_points(points.as_subclass(Tensor), left=left, top=top), canvas)
