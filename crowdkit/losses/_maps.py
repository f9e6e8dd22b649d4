"""What every density loss does first: check its numbers and bring its two maps to one scale."""

from math import isfinite

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.ops import check_pair, check_stride


def working_dtype(*tensors: Tensor) -> torch.dtype:
    """Floating type to compute in: float32 at least, float64 if any tensor has it."""
    return torch.float64 if any(each.dtype == torch.float64 for each in tensors) else torch.float32


def check_positive(**numbers: float) -> None:
    """Raise :class:`~crowdkit.errors.ArgumentError` unless every number is finite and above 0."""
    for name, value in numbers.items():
        if not (isfinite(value) and value > 0):
            raise ArgumentError(f"{name}: expected a finite number > 0, got {value!r}")


def check_not_empty(name: str, tensor: Tensor) -> None:
    """Raise if ``tensor`` has no images or no cells, whose mean would be NaN."""
    if 0 in tensor.shape:
        raise ShapeError(f"{name}: expected at least one image and one cell, got {tuple(tensor.shape)}")


def per_pixel(pred: Tensor, target: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Check two maps and turn people per cell into people per full-resolution pixel, in float32 at least."""
    check_pair(pred, target)
    check_not_empty("pred", pred)
    check_stride(stride)
    dtype = working_dtype(pred, target)
    pred, target = pred.to(dtype), target.to(dtype)
    if stride == 1:
        return pred, target
    return pred / stride**2, target / stride**2
