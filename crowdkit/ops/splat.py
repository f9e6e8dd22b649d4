"""Splat heads onto a grid: one normalized Gaussian per head, with an exact sum."""

from collections.abc import Sequence

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops._kernels import Kernels
from crowdkit.ops._products import add_products
from crowdkit.ops._tiles import sum_heads
from crowdkit.ops.checks import check_points, check_stride


def splat(
    points: Tensor,
    sigma: float | Tensor,
    size: tuple[int, int],
    *,
    stride: int = 1,
    truncate: float = 4.0,
    dtype: torch.dtype = torch.float32,
    check: bool = True,
) -> Tensor:
    r"""Sum one Gaussian of mass 1 per head over the cells of a grid.

    Each kernel is sampled at pixel centers around the head's exact position, over a square window of radius
    ``int(truncate * sigma + 0.5)`` pixels around the head's pixel. It is cut at the border and normalized along each
    axis, so that the map sums to the number of heads wherever they are. Kernels are separable, so a map is a product
    :math:`D = G_y^\top G_x` with one row of samples per head; on a CPU it is computed tile by tile over the heads
    that reach a tile, in time linear in heads and in pixels.

    Args:
        points: Heads (x, y) in continuous pixels of the full-resolution canvas, shape :math:`(N, 2)`.
        sigma: Standard deviation in full-resolution pixels, one number or shape :math:`(N,)`.
        size: Canvas :math:`(H, W)` in pixels.
        stride: Side of a cell in pixels. The map equals the sum-pooled map at stride 1.
        truncate: Window radius in standard deviations; ``math.inf`` takes the whole canvas.
        dtype: Floating-point type of the map.
        check: Check the values of heads and sigmas, which synchronizes with a GPU: switch it off in a training
            step if the heads were checked when they were read.

    Returns:
        People per cell, shape :math:`(\lceil H/s \rceil, \lceil W/s \rceil)`.

    Raises:
        ShapeError: If ``points`` is not :math:`(N, 2)`, or ``sigma`` does not match it.
        ArgumentError: If a head lies outside the canvas or a sigma is not a positive number.

    Examples:
        >>> import torch
        >>> heads = torch.tensor([[0.0, 0.0], [7.9, 3.9]])
        >>> round(float(splat(heads, 15.0, (4, 8)).sum()), 4)
        2.0
    """
    check_points("points", points)
    return splat_batch(
        [points],
        sigma if isinstance(sigma, int | float | str) else [sigma],
        size,
        stride=stride,
        truncate=truncate,
        dtype=dtype,
        check=check,
    )[0]


def splat_batch(
    points: Sequence[Tensor],
    sigma: float | Sequence[float | Tensor],
    size: tuple[int, int],
    *,
    stride: int = 1,
    truncate: float = 4.0,
    dtype: torch.dtype = torch.float32,
    check: bool = True,
) -> Tensor:
    r"""Splat the heads of several images of one size; see :func:`splat`.

    On a CPU all maps are made at once: many small ones take a fraction of the time that they take one by one.

    Args:
        points: Heads (x, y) of each image, :math:`B` tensors of shape :math:`(N_i, 2)` on one device.
        sigma: Standard deviation in full-resolution pixels: one number for all, or one number or tensor
            :math:`(N_i,)` for each image.
        size: Canvas :math:`(H, W)` in pixels.
        stride: Side of a cell in pixels.
        truncate: Window radius in standard deviations.
        dtype: Floating-point type of the maps.
        check: Look at the values of heads and sigmas, for which a GPU waits.

    Returns:
        People per cell, shape :math:`(B, \lceil H/s \rceil, \lceil W/s \rceil)`.

    Raises:
        ShapeError: If there is no image, something is not :math:`(N_i, 2)`, or ``sigma`` does not fit.
        ArgumentError: If a head lies outside the canvas or a sigma is not a positive number.

    Examples:
        >>> import torch
        >>> heads = [torch.tensor([[0.0, 0.0], [7.9, 3.9]]), torch.zeros(0, 2)]
        >>> splat_batch(heads, 15.0, (4, 8)).sum(dim=(1, 2)).round()
        tensor([2., 0.])
    """
    check_stride(stride)
    height, width = _check_size(size)
    if not truncate > 0:
        raise ArgumentError(f"truncate: expected a number > 0 of standard deviations, got {truncate}")
    if len(points) == 0:
        raise ShapeError("points: expected the heads of at least one image, got none")
    for each in points:
        check_points("points", each)
    of_images = [sigma] * len(points) if isinstance(sigma, int | float | str) else list(sigma)
    if len(of_images) != len(points):
        raise ShapeError(f"sigma: expected one for each of {len(points)} images, got {len(of_images)}")
    each_sigma = [_sigmas(*pair) for pair in zip(of_images, points, strict=True)]
    heads, sigmas = (torch.cat(list(each)).detach() for each in (points, each_sigma))
    numbers = [len(each) for each in points]
    if check and not _sound(heads, sigmas, height, width):
        for own_heads, own_sigmas in zip(points, each_sigma, strict=True):
            _check_sigmas(own_sigmas)
            _check_canvas(own_heads, height, width)

    tiled = heads.device.type == "cpu"
    working = torch.float32 if tiled and dtype != torch.float64 else torch.float64
    rows, columns = -(-height // stride), -(-width // stride)
    kernels = Kernels.of(heads, sigmas, (height, width), truncate, working)
    if tiled:
        image = torch.repeat_interleave(torch.tensor(numbers))
        return sum_heads(kernels, image, (len(points), rows, columns), stride).to(dtype)
    density = torch.zeros(len(points), rows, columns, dtype=working, device=heads.device)
    first = 0
    for own, number in zip(density, numbers, strict=True):
        if number:
            some = torch.arange(first, first + number, device=heads.device)
            add_products(own, kernels.heads(some), stride)
        first += number
    return density.to(dtype)


def _sound(points: Tensor, sigmas: Tensor, height: int, width: int) -> bool:
    x, y = points[:, 0], points[:, 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return bool((inside & (sigmas > 0) & (sigmas < torch.inf)).all())


def _check_size(size: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(size, Sequence) or len(size) != 2:
        raise ShapeError(f"size: expected (H, W) in pixels, got {size!r}")
    height, width = size
    if height < 1 or width < 1:
        raise ArgumentError(f"size: expected (H, W) of at least one pixel, got {tuple(size)}")
    return int(height), int(width)


def _sigmas(sigma: float | Tensor | str, points: Tensor) -> Tensor:
    if isinstance(sigma, str):
        raise DTypeError(
            f"sigma: expected pixels, one number or one per head, got {sigma!r}; a rule by name is "
            f"sigma_rule({sigma!r})(points, size)"
        )
    if isinstance(sigma, Tensor):
        sigmas = sigma.to(points.device, torch.float64)
        sigmas = sigmas.expand(len(points)) if sigmas.ndim == 0 else sigmas
    else:
        sigmas = torch.full((len(points),), sigma, dtype=torch.float64, device=points.device)
    if sigmas.shape != (len(points),):
        raise ShapeError(
            f"sigma: expected one number or one per head {(len(points),)}, got {tuple(sigmas.shape)}; "
            "pass the sigmas made from these points"
        )
    return sigmas


def _check_sigmas(sigmas: Tensor) -> None:
    wrong = (~((sigmas > 0) & (sigmas < torch.inf))).nonzero()
    if len(wrong):
        index = int(wrong[0, 0])
        raise ArgumentError(
            f"sigma: expected positive finite numbers, got {float(sigmas[index])} for head {index}; "
            "adaptive_sigma(points, minimum=...) gives coincident heads a floor"
        )


def _check_canvas(points: Tensor, height: int, width: int) -> None:
    x, y = points[:, 0], points[:, 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    outside = (~inside).nonzero()[:, 0]
    if len(outside) == 0:
        return
    listed = ", ".join(
        f"{int(i)}: ({float(x[i]):.6g}, {float(y[i]):.6g})" for i in outside[: min(5, len(outside))]
    )
    more = ", ..." if len(outside) > 5 else ""
    raise ArgumentError(
        f"points: expected heads inside the canvas 0 <= x < {width}, 0 <= y < {height}, got {len(outside)} "
        f"outside ({listed}{more}); drop or clamp them first"
    )
