"""Cheap checks of shapes, types and devices: always on, and never reading values from a GPU."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError


def check_tensor(name: str, value: object) -> None:
    """Raise unless ``value`` is a tensor."""
    if not isinstance(value, Tensor):
        raise DTypeError(f"{name}: expected a tensor, got {type(value).__name__}; use torch.as_tensor")


def check_map(name: str, density: Tensor) -> None:
    """Raise unless ``density`` is a floating-point map of shape (B, 1, h, w)."""
    check_tensor(name, density)
    if density.ndim != 4 or density.shape[1] != 1:
        raise ShapeError(
            f"{name}: expected a map of shape (B, 1, h, w), got {tuple(density.shape)}; "
            "add the missing dimensions with map[None, None]"
        )
    if not density.is_floating_point():
        raise DTypeError(f"{name}: expected a floating-point map, got {density.dtype}; call .float()")


def check_pair(pred: Tensor, target: Tensor) -> None:
    """Raise unless ``pred`` and ``target`` are maps of the same shape on the same device."""
    check_map("pred", pred)
    check_map("target", target)
    if pred.shape != target.shape:
        raise ShapeError(
            f"target: expected the shape of pred {tuple(pred.shape)}, got {tuple(target.shape)}; "
            "make the target at the model's stride (density_map(..., stride=s) or sum_pool)"
        )
    if pred.device != target.device:
        raise ArgumentError(f"target: expected device {pred.device}, got {target.device}; move it with .to()")


def check_points(name: str, points: Tensor) -> None:
    """Raise unless ``points`` is a floating-point tensor of shape (N, 2)."""
    check_tensor(name, points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeError(f"{name}: expected (N, 2) rows of (x, y), got {tuple(points.shape)}")
    if not points.is_floating_point():
        raise DTypeError(
            f"{name}: expected floating-point coordinates, got {points.dtype}; call .float(), and add 0.5 if "
            "they are pixel indices (pixel j covers [j, j+1))"
        )


def check_finite_points(name: str, points: Tensor) -> None:
    """Raise if heads on the CPU are NaN or infinite; values on a GPU or in a graph are not checked."""
    if points.device.type != "cpu" or torch.compiler.is_compiling() or torch.compiler.is_exporting():
        return
    bad = len(points) - int(points.isfinite().all(dim=1).sum())
    if bad:
        raise ArgumentError(
            f"{name}: expected finite coordinates, got {bad} of {len(points)} with NaN or infinity; drop these heads"
        )


def check_stride(stride: int, name: str = "stride") -> None:
    """Raise unless ``stride`` is a positive whole number."""
    if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
        raise ArgumentError(f"{name}: expected a whole number >= 1, got {stride!r}")


def check_levels(levels: int) -> None:
    """Raise unless ``levels`` is a whole number of density classes, at least two (background and crowd)."""
    if isinstance(levels, bool) or not isinstance(levels, int) or levels < 2:
        raise ArgumentError(f"levels: expected a whole number >= 2 (background and crowd), got {levels!r}")


def check_bins(bins: Sequence[int]) -> None:
    """Raise unless ``bins`` are the first counts of a block's classes: ascending whole numbers from 1."""
    whole = all(isinstance(low, int) and not isinstance(low, bool) for low in bins)
    if not bins or not whole or bins[0] != 1 or any(low >= high for low, high in pairwise(bins)):
        raise ArgumentError(
            f"bins: expected whole numbers that rise from 1, the first count of each bin, got {tuple(bins)}"
        )
