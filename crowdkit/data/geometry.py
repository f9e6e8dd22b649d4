"""Move heads when the image is flipped, resized, shifted or cropped: the same geometry for all transforms.

Coordinates are continuous: pixel (i, j) covers [j, j+1) x [i, i+1) and the canvas is half-open. float32 rounding must
not push a head over the edge of its pixel, because it would then leave the canvas at its border.
"""

import torch
from torch import Tensor

from crowdkit.data.sample import Annotation
from crowdkit.errors import DataError
from crowdkit.ops import check_points


def to_canvas(points: Tensor, size: tuple[int, int], *, sizes: Tensor | None = None) -> Annotation:
    """Move annotated points onto the canvas of their image.

    Points less than one pixel outside are moved to the nearest position on the canvas, those further out are dropped;
    the result holds the number of each.

    Args:
        points: Shape (N, 2), floating (x, y) in continuous coordinates.
        size: Height and width of the image.
        sizes: Side of each head in pixels, shape (N,), if known.

    Returns:
        The remaining points, float32, with the numbers of clamped and dropped ones and their sizes.

    Raises:
        DataError: If a coordinate is NaN or infinite.

    Examples:
        >>> import torch
        >>> to_canvas(torch.tensor([[-0.5, 2.0], [3.0, 9.0], [1.5, 1.5]]), (4, 6))
        Annotation(points=tensor([[0.0000, 2.0000],
                [1.5000, 1.5000]]), clamped=1, dropped=1, sizes=None)
    """
    check_points("points", points)
    bad = int((~torch.isfinite(points)).any(dim=1).sum())
    if bad:
        raise DataError(
            f"points: expected finite coordinates, got {bad} of {len(points)} with NaN or infinity; "
            "correct the annotation"
        )
    # Decided in float64: float32 would round a point just inside the right border onto the border.
    exact = points.double()
    end = torch.tensor([size[1], size[0]], dtype=torch.float64, device=points.device)
    inside = ((exact >= 0) & (exact < end)).all(dim=1)
    kept = ((exact > -1) & (exact < end + 1)).all(dim=1)
    return Annotation(
        points=_below(exact[kept].clamp(min=0).float(), end.float()),
        clamped=int((kept & ~inside).sum()),
        dropped=int((~kept).sum()),
        sizes=None if sizes is None else sizes[kept].float(),
    )


def inside(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Return which points lie on the half-open canvas of ``size`` (H, W): bool, shape (N,)."""
    end = points.new_tensor([size[1], size[0]])
    return ((points >= 0) & (points < end)).all(dim=-1)


def in_region(points: Tensor, region: Tensor) -> Tensor:
    """Return which points on the canvas lie in a pixel of ``region`` (H, W), bool: bool, shape (N,)."""
    column, row = points.long().unbind(-1)
    return region[row, column]


def flip_points(points: Tensor, length: int, *, axis: int) -> Tensor:
    """Mirror one coordinate on a canvas of ``length`` pixels; a point in pixel j moves to pixel ``length``-1-j.

    Args:
        points: Shape (..., 2).
        length: Width for ``axis=0``, height for ``axis=1``.
        axis: 0 mirrors x (a horizontal flip), 1 mirrors y.

    Returns:
        The mirrored points, same shape and type.
    """
    flipped = points.clone()
    old = points[..., axis]
    # A point on a pixel's closed left edge would land on the open right edge of the mirrored pixel.
    flipped[..., axis] = _in_pixel(length - old, length - 1 - old.floor())
    return flipped


def shift_points(points: Tensor, *, left: int = 0, top: int = 0) -> Tensor:
    """Move points by whole pixels, right by ``left`` and down by ``top``; each stays in its pixel."""
    offset = points.new_tensor([left, top])
    return _in_pixel(points + offset, points.floor() + offset)


def resize_points(points: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Scale points from a canvas of size ``old`` (H, W) to one of size ``new``; those inside stay inside."""
    ratio = torch.tensor([new[1] / old[1], new[0] / old[0]], dtype=torch.float64, device=points.device)
    scaled = (points.double() * ratio).to(points.dtype)
    end = points.new_tensor([new[1], new[0]])
    return torch.where(inside(points, old)[..., None], _below(scaled, end), scaled)


def _below(values: Tensor, end: Tensor) -> Tensor:
    return torch.minimum(values, torch.nextafter(end, torch.zeros_like(end)))


def _in_pixel(values: Tensor, pixel: Tensor) -> Tensor:
    last = torch.nextafter(pixel + 1, torch.full_like(pixel, -torch.inf))
    return torch.minimum(torch.maximum(values, pixel), last)
