"""Heads for torchvision's v2 transforms, in continuous half-open coordinates."""

from typing import Any

import torch
from torch import Tensor
from torchvision.tv_tensors import KeyPoints  # type: ignore[attr-defined]

from crowdkit.data._torchvision import functional
from crowdkit.data.geometry import flip_points, resize_points, shift_points

F: Any = functional()


class Points(KeyPoints):
    """Heads as ``tv_tensors.KeyPoints`` that no flip, resize or pad loses.

    torchvision mixes conventions: its flips map x to W-1-x (pixel indices), its resize multiplies by the ratio
    (continuous), so that heads leave the canvas. Here pixel (i, j) covers [j, j+1) x [i, i+1) throughout. Crops keep
    points that fall outside; ``v2.SanitizeKeyPoints`` removes them. Everything else is inherited.

    Args:
        data: Shape (N, 2), floating (x, y).
        canvas_size: Height and width of the image.

    Examples:
        >>> from torchvision.transforms.v2 import functional as F
        >>> F.horizontal_flip(Points([[0.25, 1.0]], canvas_size=(4, 6)))
        Points([[5.7500, 1.0000]], canvas_size=(4, 6))
    """

    # Otherwise torchvision would return its own class after .to() or .clone(), and use its own flips.
    @classmethod
    def _wrap_output(cls, output: Any, args: Any = (), kwargs: Any = None) -> Any:
        wrapped = super()._wrap_output(output, args, kwargs)
        return _rewrap(wrapped, wrapped.canvas_size) if type(wrapped) is KeyPoints else wrapped


# The kernels accept unknown arguments, which torchvision requires for its later releases.
def _horizontal_flip(points: Points, *_: Any, **__: Any) -> Points:
    H, W = points.canvas_size
    return _rewrap(flip_points(points.as_subclass(Tensor), W, axis=0), (H, W))


def _vertical_flip(points: Points, *_: Any, **__: Any) -> Points:
    H, W = points.canvas_size
    return _rewrap(flip_points(points.as_subclass(Tensor), H, axis=1), (H, W))


def _resize(
    points: Points, size: list[int] | None, *_: Any, max_size: int | None = None, **__: Any
) -> Points:
    # Only torchvision knows how its size and max_size resolve.
    _, canvas = F.resize_keypoints(torch.zeros(0, 2), size, points.canvas_size, max_size)
    return _rewrap(resize_points(points.as_subclass(Tensor), points.canvas_size, canvas), canvas)


def _pad(
    points: Points, padding: int | list[int], *_: Any, padding_mode: str = "constant", **__: Any
) -> Points:
    origin, canvas = F.pad_keypoints(torch.zeros(2), points.canvas_size, padding, padding_mode)
    left, top = (int(each) for each in origin)
    return _rewrap(shift_points(points.as_subclass(Tensor), left=left, top=top), canvas)


def _rewrap(points: Tensor, canvas_size: tuple[int, int]) -> Points:
    return Points(points, canvas_size=canvas_size)


for _name, _kernel in {
    "horizontal_flip": _horizontal_flip,
    "vertical_flip": _vertical_flip,
    "resize": _resize,
    "pad": _pad,
}.items():
    F.register_kernel(_name, Points)(_kernel)
