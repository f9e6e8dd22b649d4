"""What every density loss does first: check its two maps and bring them to one scale."""

import torch
from torch import Tensor

from crowdkit.errors import ShapeError
from crowdkit.ops import check_pair


def working_dtype(*tensors: Tensor) -> torch.dtype:
    """Floating type to compute in: float32 at least, float64 if any tensor has it."""
    return torch.float64 if any(each.dtype == torch.float64 for each in tensors) else torch.float32


def check_not_empty(name: str, tensor: Tensor) -> None:
    """Raise if ``tensor`` has no images or no cells, whose mean would be NaN."""
    if 0 in tensor.shape:
        raise ShapeError(f"{name}: expected at least one image and one cell, got {tuple(tensor.shape)}")


def per_pixel(pred: Tensor, target: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Check two maps and turn people per cell into people per full-resolution pixel, in float32 at least."""
    check_pair(pred, target)
    check_not_empty("pred", pred)
    dtype = working_dtype(pred, target)
    pred, target = pred.to(dtype), target.to(dtype)
    if stride == 1:
        return pred, target
    return pred / stride**2, target / stride**2
