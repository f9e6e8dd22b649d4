"""The effect of attention inside a network, as one picture."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.pictures.color import color_map, fit_map, one_map, overlay
from crowdkit.pictures.sheet import sheet

if TYPE_CHECKING:
    from PIL.Image import Image

_WIDEST = 2048


def attention_sheet(
    image: Tensor,
    density: Tensor,
    *,
    before: Tensor,
    after: Tensor,
    background: Tensor,
    region: Tensor | None = None,
    level: Tensor | None = None,
    shares: tuple[float, float] | None = None,
    what: str = "feature",
    title: str | None = None,
    width: int = 420,
) -> "Image":
    """Draw the tensor that attention re-weights before and after, the attention, and the estimate (figure 6).

    The upper row shows the photograph and the attention maps; the lower row shows the estimate and the re-weighted
    tensor before and after, on one scale. White lines separate crowd from background. The crowd is in color and the
    background in gray, so that activations that remain in the background stand out.

    Args:
        image: Photograph, shape (3, H, W), floating RGB in [0, 1] or uint8.
        density: Estimated density in people per cell, at any stride, (h, w), (1, h, w) or (1, 1, h, w), as
            for all maps here.
        before: Size of the activation before the attention, at any stride.
        after: The same after the attention.
        background: Where the model sees no crowd, boolean, of the shape of ``before``.
        region: Coarse attention (CAM) in [0, 1], or ``None``.
        level: Fine attention (FAM) in [0, 1], or ``None``.
        shares: The shares of ``before`` and ``after`` that lie in the background, for the captions.
        what: The kind of tensor that ``before`` and ``after`` are, for the captions.
        title: A line above everything.
        width: Width of each picture, in pixels.

    Returns:
        The sheet.

    Raises:
        ShapeError: If ``image`` is not a photograph, or ``before``, ``after`` and ``background`` differ in
            shape.
        ArgumentError: If ``width`` is too small for legible text, or larger than 2048.

    Examples:
        >>> import torch
        >>> cells = torch.rand(6, 8)
        >>> maps = {"before": cells, "after": 2 * cells, "background": cells < 0.5}
        >>> attention_sheet(torch.rand(3, 48, 64), cells, **maps, region=cells, width=120).width
        400
    """
    if image.ndim != 3 or image.shape[0] != 3:
        raise ShapeError(f"image: expected (3, H, W), got {tuple(image.shape)}; take one image of the batch")
    if not before.shape == after.shape == background.shape:
        raise ShapeError(
            "before, after, background: expected one shape, got "
            f"{tuple(before.shape)}, {tuple(after.shape)}, {tuple(background.shape)}"
        )
    if not 48 <= width <= _WIDEST:
        raise ArgumentError(f"width: expected 48 to {_WIDEST} pixels per picture, got {width}")
    nobody = _fit(one_map("background", background), image, width) > 0.5
    line = _edges(nobody, reach=max(1, round(width / 420)))
    weighed = {"before": one_map("before", before), "after": one_map("after", after)}
    top = max(_bright(plane) for plane in weighed.values())

    def colors(plane: Tensor, maximum: float, *, gray: bool) -> Tensor:
        drawn = color_map(_fit(plane, image, width), maximum=maximum)
        shade = (drawn * drawn.new_tensor((0.299, 0.587, 0.114))[:, None, None]).sum(0)
        return torch.where(line, 1.0, torch.where(nobody & gray, shade, drawn))

    photo = torch.where(line, 1.0, _shrink(image, nobody.shape))
    seen = "White line: crowd, as the attention sees it"
    if not line.any():
        seen = "The attention sees " + ("no crowd" if nobody.all() else "crowd everywhere")
    upper = [(photo, seen)]
    for name, plane, caption in (
        ("region", region, "Coarse attention (CAM): is there a crowd?"),
        ("level", level, "Fine attention (FAM): how dense is it?"),
    ):
        if plane is not None:
            upper.append((colors(one_map(name, plane), 1.0, gray=False), caption))
    lower = [(overlay(image, density), f"Estimated density: {float(density.sum()):,.1f} people")]
    for index, (word, activation) in enumerate(weighed.items()):
        caption = f"{what.capitalize()} {word} the attention"
        if shares is not None:
            caption += f", {shares[index]:.0%} in background"
        lower.append((colors(activation, top, gray=True), caption))
    return sheet(
        [[picture for picture, _ in row] for row in (upper, lower)],
        captions=[[caption for _, caption in row] for row in (upper, lower)],
        title=title,
        bar=("0", f"1 for attention, the strongest value for the {what}. Gray: background"),
        width=width,
    )


def _fit(plane: Tensor, image: Tensor, width: int) -> Tensor:
    height, wide = image.shape[-2:]
    return fit_map(plane.to(image.device), height, wide, scale=width / wide)


def _shrink(image: Tensor, size: Sequence[int]) -> Tensor:
    photo = image.to(torch.float32) / (1 if image.is_floating_point() else 255)
    return F.interpolate(photo[None], tuple(size), mode="bilinear", align_corners=False, antialias=True)[0]


def _edges(region: Tensor, *, reach: int) -> Tensor:
    plane = region.to(torch.float32)[None]
    side = 2 * reach + 1
    most = F.max_pool2d(plane, side, stride=1, padding=reach)
    least = -F.max_pool2d(-plane, side, stride=1, padding=reach)
    return (most > least)[0]


def _bright(plane: Tensor) -> float:
    # A single strong cell would leave everything else dark.
    cells = plane.flatten()
    return float(cells.kthvalue(max(1, math.ceil(0.999 * len(cells)))).values)
