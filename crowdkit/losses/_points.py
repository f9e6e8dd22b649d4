"""What every point-supervised loss does first: check its map and its heads, and bring them to one type."""

from collections.abc import Sequence

from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.losses._maps import check_not_empty, working_dtype
from crowdkit.ops import check_finite_points, check_map, check_points


def map_and_heads(pred: Tensor, points: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Check an estimate and its images' heads, and widen both to float32 at least.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        points: One :math:`(N, 2)` tensor of heads (x, y) an image.

    Returns:
        The map and the heads, all of one floating type; no gradient flows to the heads.

    Raises:
        ShapeError: If a shape is wrong or there is not one tensor an image.
        DTypeError: If ``points`` is not a list of floating-point tensors or ``pred`` not floating point.
        ArgumentError: If heads lie on another device or, on the CPU, are not finite.
    """
    check_map("pred", pred)
    check_not_empty("pred", pred)
    check_one_an_image("points", points, pred)
    for index, heads in enumerate(points):
        check_points(f"points[{index}]", heads)
        check_finite_points(f"points[{index}]", heads)
        check_device(f"points[{index}]", heads, pred)
    dtype = working_dtype(pred)
    return pred.to(dtype), [heads.detach().to(dtype) for heads in points]


def check_one_an_image(name: str, each: Sequence[Tensor], pred: Tensor) -> None:
    """Raise unless ``each`` is a list or tuple with one entry an image."""
    # Not list | tuple: torch 2.8 cannot compile that.
    if not isinstance(each, (list, tuple)):
        raise DTypeError(f"{name}: expected a list of tensors, one an image, got {type(each).__name__}")
    if len(each) != len(pred):
        raise ShapeError(f"{name}: expected one tensor an image, {len(pred)}, got {len(each)}")


def check_device(name: str, tensor: Tensor, pred: Tensor) -> None:
    """Raise unless ``tensor`` is on the device of ``pred``."""
    if tensor.device != pred.device:
        raise ArgumentError(f"{name}: expected device {pred.device}, got {tensor.device}; move it with .to()")
