"""Splat heads onto a grid: one normalised Gaussian a head, exact in sum."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops.checks import check_points, check_stride

# Side in pixels of the blocks that one matrix product fills, and the most kernel samples held at once.
_TILE = 128
_CHUNK = 2**22
# Below this a kernel is one pixel; the bound keeps the exponent finite.
_SMALLEST_SIGMA = 1e-6


def splat(
    points: Tensor,
    sigma: float | Tensor,
    size: tuple[int, int],
    *,
    stride: int = 1,
    truncate: float = 4.0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""Sum one Gaussian of mass 1 a head over the cells of a grid.

    Each kernel is sampled at pixel centres around the head's exact position, over a square window of radius
    ``int(truncate * sigma + 0.5)`` pixels about the head's pixel, cut at the border, and normalised axis by
    axis, so that the map sums to the number of heads wherever they are. Kernels are separable, so a map is
    a matrix product :math:`D = G_y^\top G_x` with a row of samples a head; it is taken tile by tile over
    the heads a tile can see.

    Args:
        points: Heads (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`.
        sigma: Standard deviation in full-resolution pixels, one number or shape :math:`(N,)`.
        size: Canvas :math:`(H, W)` in pixels.
        stride: Side of a cell in pixels. The map equals the sum-pooled map at stride 1.
        truncate: Window radius in standard deviations; ``math.inf`` takes the whole canvas.
        dtype: Floating-point type of the map.

    Returns:
        People per cell, shape :math:`(\lceil H/s \rceil, \lceil W/s \rceil)`.

    Raises:
        ShapeError: If ``points`` is not :math:`(N, 2)`, or ``sigma`` does not fit it.
        ArgumentError: If a head lies outside the canvas or a sigma is not a positive number.

    Examples:
        >>> import torch
        >>> heads = torch.tensor([[0.0, 0.0], [7.9, 3.9]])
        >>> splat(heads, 15.0, (4, 8)).sum()
        tensor(2.)
    """
    check_points("points", points)
    check_stride(stride)
    height, width = _check_size(size)
    if not truncate > 0:
        raise ArgumentError(f"truncate: expected a number > 0 of standard deviations, got {truncate}")
    sigmas = _check_sigma(sigma, points)
    _check_canvas(points, height, width)

    rows, columns = -(-height // stride), -(-width // stride)
    density = torch.zeros(rows, columns, dtype=dtype, device=points.device)
    if len(points) == 0:
        return density
    across = _Axis.of(points[:, 0], sigmas, width, truncate, dtype)
    down = _Axis.of(points[:, 1], sigmas, height, truncate, dtype)
    tile = max(16, _TILE // stride)
    for top in range(0, rows, tile):
        bottom = min(top + tile, rows)
        seen = down.touching(top * stride, bottom * stride)
        if len(seen) == 0:
            continue
        band_down, band_across = down.take(seen), across.take(seen)
        weights = band_down.samples(top, bottom, stride)
        for left in range(0, columns, tile):
            right = min(left + tile, columns)
            here = band_across.touching(left * stride, right * stride)
            if len(here) == 0:
                continue
            samples = band_across.take(here).samples(left, right, stride)
            density[top:bottom, left:right] = weights[here].T @ samples
    return density


class _Axis(NamedTuple):
    """The one-dimensional kernels of all heads along one axis."""

    pixel: Tensor  # the head's pixel, int64
    fraction: Tensor  # its place inside that pixel, [0, 1)
    sigma: Tensor
    first: Tensor  # window, both ends included, int64
    last: Tensor
    total: Tensor  # sum of the unnormalised samples over the window

    @classmethod
    def of(cls, place: Tensor, sigma: Tensor, length: int, truncate: float, dtype: torch.dtype) -> "_Axis":
        exact = place.to(torch.float64)
        floor = exact.floor()
        pixel = floor.to(torch.int64)
        radius = (truncate * sigma + 0.5).clamp(max=length).to(torch.int64)
        axis = cls(
            pixel=pixel,
            fraction=(exact - floor).to(dtype),
            sigma=sigma.clamp(min=_SMALLEST_SIGMA).to(dtype),
            first=(pixel - radius).clamp(min=0),
            last=(pixel + radius).clamp(max=length - 1),
            total=torch.ones_like(exact, dtype=dtype),
        )
        return axis._replace(total=axis._totals())

    def _totals(self) -> Tensor:
        # Windows of like length go together, so that padding them to one length wastes little.
        lengths = self.last - self.first + 1
        order = lengths.argsort()
        totals = torch.empty_like(self.total)
        start = 0
        while start < len(order):
            stop = start + max(1, _CHUNK // int(lengths[order[min(start + 4095, len(order) - 1)]]))
            chosen = order[start : min(stop, start + 4096)]
            part = self.take(chosen)
            steps = torch.arange(int(lengths[chosen[-1]]), device=order.device)
            totals[chosen] = part._kernel(part.first[:, None] + steps).sum(dim=1)
            start += len(chosen)
        return totals

    def take(self, index: Tensor) -> "_Axis":
        return _Axis(*(field[index] for field in self))

    def touching(self, start: int, stop: int) -> Tensor:
        """Indices of the heads whose window meets pixels [start, stop)."""
        return ((self.first < stop) & (self.last >= start)).nonzero()[:, 0]

    def samples(self, start: int, stop: int, stride: int) -> Tensor:
        """Normalised kernels summed over cells [start, stop), shape (N, stop - start)."""
        pixels = torch.arange(start * stride, stop * stride, device=self.pixel.device)
        kernel = self._kernel(pixels) / self.total[:, None]
        return kernel.reshape(len(kernel), -1, stride).sum(dim=2) if stride > 1 else kernel

    def _kernel(self, pixels: Tensor) -> Tensor:
        # With k = pixel - head's pixel, the squared distance less its smallest value is k (k + 1 - 2 f):
        # the largest exponent is 0 and no sigma underflows.
        k = (pixels - self.pixel[:, None]).to(self.fraction.dtype)
        sigma = self.sigma[:, None]
        exponent = (k / sigma) * ((k + 1 - 2 * self.fraction[:, None]) / sigma)
        inside = (pixels >= self.first[:, None]) & (pixels <= self.last[:, None])
        return torch.exp(-0.5 * exponent) * inside


def _check_size(size: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(size, Sequence) or len(size) != 2:
        raise ShapeError(f"size: expected (H, W) in pixels, got {size!r}")
    height, width = size
    if height < 1 or width < 1:
        raise ArgumentError(f"size: expected (H, W) of at least one pixel, got {tuple(size)}")
    return int(height), int(width)


def _check_sigma(sigma: float | Tensor | str, points: Tensor) -> Tensor:
    if isinstance(sigma, str):
        raise DTypeError(
            f"sigma: expected pixels, one number or one a head, got {sigma!r}; a rule by name is "
            f"sigma_rule({sigma!r})(points, size)"
        )
    sigmas = torch.as_tensor(sigma, dtype=torch.float64, device=points.device)
    if sigmas.ndim == 0:
        sigmas = sigmas.expand(len(points))
    if sigmas.shape != (len(points),):
        raise ShapeError(
            f"sigma: expected one number or one a head {(len(points),)}, got {tuple(sigmas.shape)}; "
            "sigmas belong to the points they were made for"
        )
    wrong = ~(torch.isfinite(sigmas) & (sigmas > 0))
    if bool(wrong.any()):
        index = int(wrong.nonzero()[0, 0])
        raise ArgumentError(
            f"sigma: expected positive finite numbers, got {float(sigmas[index])} for head {index}; "
            "adaptive_sigma(points, minimum=...) gives coincident heads a floor"
        )
    return sigmas


def _check_canvas(points: Tensor, height: int, width: int) -> None:
    x, y = points[:, 0], points[:, 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    if bool(inside.all()):
        return
    outside = (~inside).nonzero()[:, 0]
    listed = ", ".join(
        f"{int(i)}: ({float(x[i]):.6g}, {float(y[i]):.6g})" for i in outside[: min(5, len(outside))]
    )
    more = ", ..." if len(outside) > 5 else ""
    raise ArgumentError(
        f"points: expected heads inside the canvas 0 <= x < {width}, 0 <= y < {height}, got {len(outside)} "
        f"outside ({listed}{more}); drop or clamp them first"
    )
