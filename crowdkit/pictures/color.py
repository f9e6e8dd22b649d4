"""Colors for maps, using torch only."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, DTypeError, ShapeError

# From night blue through teal and green to pale yellow: lightness increases throughout, so that the order of
# values survives grayscale print, and the most common color blindnesses distinguish blue from yellow.
_ANCHORS = (
    (0.055, 0.063, 0.180),
    (0.110, 0.157, 0.365),
    (0.090, 0.290, 0.490),
    (0.055, 0.435, 0.530),
    (0.150, 0.575, 0.490),
    (0.430, 0.695, 0.350),
    (0.780, 0.790, 0.230),
    (0.990, 0.905, 0.330),
    (1.000, 0.985, 0.790),
)
_SPREAD = 15.0  # pixels: the widest kernel in common use


def color_map(values: Tensor, *, maximum: float | None = None) -> Tensor:
    """Turn a map into colors, from night blue (0) to pale yellow (``maximum``).

    Args:
        values: Map, shape (h, w), or (1, h, w) or (1, 1, h, w). Values below 0 look like 0.
        maximum: The value of the brightest color; values above it look the same. ``None`` for the largest value in
            the map: pass the same number for all maps that are shown side by side.

    Returns:
        RGB in [0, 1], shape (3, h, w), float32, on the device of ``values``.

    Raises:
        ShapeError: If ``values`` is not a single map.
        ArgumentError: If ``maximum`` is negative or not finite.

    Examples:
        >>> import torch
        >>> color_map(torch.tensor([[0.0, 1.0]]))[:, 0, 1]
        tensor([1.0000, 0.9850, 0.7900])
    """
    return _interpolate(_unit(one_map("values", values), maximum), _ANCHORS)


def overlay(image: Tensor, density: Tensor, *, alpha: float = 0.85, maximum: float | None = None) -> Tensor:
    """Overlay a map on a photograph: the more people, the more color.

    The photograph is faded towards gray, so that the only strong colors are the map's.

    Args:
        image: Photograph, shape (3, H, W), floating RGB in [0, 1] or uint8.
        density: Map at any stride, shape (h, w), (1, h, w) or (1, 1, h, w). Only its shape matters: it is
            scaled by its maximum and drawn smoothly at the size of the photograph.
        alpha: Opacity of the color where the map is largest, in [0, 1]; 0 returns the photograph.
        maximum: The value of the brightest color. ``None`` for the largest value in the map, but at least the peak
            of one head spread over 15 pixels, so that the faint noise of an empty scene looks faint.

    Returns:
        RGB picture, shape (3, H, W), uint8, on the device of ``image``.

    Raises:
        ShapeError: If ``image`` is not a photograph or ``density`` is not a single map.
        DTypeError: If ``image`` is neither floating nor uint8.
        ArgumentError: If ``alpha`` is not in [0, 1], or ``maximum`` is negative or not finite.

    Examples:
        >>> import torch
        >>> overlay(torch.rand(3, 60, 81), torch.rand(1, 1, 8, 11)).shape
        torch.Size([3, 60, 81])
    """
    if image.ndim != 3 or image.shape[0] != 3:
        raise ShapeError(f"image: expected (3, H, W), got {tuple(image.shape)}; take one image of the batch")
    if not 0 <= alpha <= 1:
        raise ArgumentError(f"alpha: expected a number in [0, 1], got {alpha}")
    if image.dtype == torch.uint8:
        photo = image.to(torch.float32) / 255
    elif image.is_floating_point():
        photo = image.to(torch.float32).clamp(0, 1)
    else:
        raise DTypeError(f"image: expected floating RGB in [0, 1] or uint8, got {image.dtype}")
    plane = one_map("density", density).to(photo.device)
    height, width = photo.shape[-2:]
    if maximum is None:
        cell = height * width / plane.numel()
        maximum = max(plane.max().item(), cell / (2 * math.pi * _SPREAD**2))
    level = fit_map(_unit(plane, maximum), height, width).clamp(0, 1)
    # The root raises low values: a single head beside a crowd stays visible.
    colors = _interpolate(0.3 + 0.7 * level, _ANCHORS)  # the darkest third would look like a shadow
    gray = 0.8 * (photo * photo.new_tensor((0.299, 0.587, 0.114))[:, None, None]).sum(0)
    picture = torch.lerp(torch.lerp(photo, gray.expand_as(photo), 0.8 * alpha), colors, alpha * level**0.5)
    return picture.mul(255).round().to(torch.uint8)


def _interpolate(level: Tensor, palette: tuple[tuple[float, float, float], ...]) -> Tensor:
    anchors = torch.tensor(palette, device=level.device)
    position = level * (len(anchors) - 1)
    below = position.floor().clamp_max(len(anchors) - 2).long()
    share = (position - below)[..., None]
    return torch.lerp(anchors[below], anchors[below + 1], share).movedim(-1, 0)


def one_map(name: str, values: Tensor) -> Tensor:
    """Return a map as (h, w) in float32, without negative values; raise if it is not a single map."""
    if values.ndim < 2 or values.ndim > 4 or math.prod(values.shape[:-2]) != 1 or values.numel() == 0:
        raise ShapeError(
            f"{name}: expected one map, (h, w), (1, h, w) or (1, 1, h, w), got {tuple(values.shape)}; "
            "take one map of the batch"
        )
    return torch.nan_to_num(values.detach().reshape(values.shape[-2:]).to(torch.float32)).clamp_min(0)


def _unit(plane: Tensor, maximum: float | None) -> Tensor:
    if maximum is not None and not (math.isfinite(maximum) and maximum >= 0):
        raise ArgumentError(f"maximum: expected a finite number >= 0, or None, got {maximum}")
    top = plane.max() if maximum is None else torch.as_tensor(maximum, dtype=plane.dtype, device=plane.device)
    return torch.where(top > 0, plane / top, 0.0).clamp(0, 1)


def fit_map(plane: Tensor, height: int, width: int, *, scale: float = 1.0) -> Tensor:
    """Resize a map at any stride smoothly to the size of its photograph, or a multiple of it.

    Args:
        plane: Map, shape (h, w).
        height: Height of the photograph in pixels.
        width: Width of the photograph in pixels.
        scale: Pixels of the result per pixel of the photograph.

    Returns:
        Shape (height * scale, width * scale), rounded.
    """
    size = (float(height), float(width))
    # A model's map has ceil(H/s) x ceil(W/s) cells, the last partly beyond the edge: scale by s, then crop.
    for stride in (1, 2, 4, 8, 16, 32, 64):
        if plane.shape == (-(-height // stride), -(-width // stride)):
            size = (float(plane.shape[0] * stride), float(plane.shape[1] * stride))
            break
    target = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    smaller = target[0] < plane.shape[0]
    drawn = F.interpolate(plane[None, None], target, mode="bilinear", align_corners=False, antialias=smaller)
    return drawn[0, 0, : max(1, round(height * scale)), : max(1, round(width * scale))]
