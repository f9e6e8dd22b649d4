"""Heads and zones, drawn over a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError
from crowdkit.ops import check_points, check_polygon
from crowdkit.pictures.files import to_pil

if TYPE_CHECKING:
    from PIL.Image import Image

_DOT, _RIM = (1.0, 0.22, 0.34), (1.0, 1.0, 1.0)  # red stands out from the palette of maps, white from red
_SMALLEST = 1.2
_LINE, _CASING, _PLATE = (255, 255, 255), (14, 16, 40), (14, 16, 40, 205)
# Dots drawn at once; each is a square of pixels.
_CHUNK = 2**22


def draw_points(image: "Tensor | Image", points: Tensor, *, scale: float = 1.0) -> Tensor:
    """Draw a dot at each head: red with a white rim, smaller where heads are close.

    Args:
        image: A tensor as :func:`~crowdkit.pictures.to_pil` takes it, or a Pillow image, such as an
            :func:`~crowdkit.pictures.overlay`.
        points: Heads (x, y) in continuous pixels, shape (N, 2); those outside the picture are not drawn.
        scale: Pixels of the picture per pixel of the points' canvas.

    Returns:
        RGB picture, shape (3, H, W), uint8.

    Raises:
        ShapeError: If ``points`` is not (N, 2), or the tensor is not a picture.
        DTypeError: If ``points`` is not floating point.
        ArgumentError: If ``scale`` is not positive.

    Examples:
        >>> import torch
        >>> drawn = draw_points(torch.zeros(3, 40, 60), torch.tensor([[30.5, 20.5]]))
        >>> drawn[:, 20, 30].tolist(), drawn[:, 5, 5].tolist()
        ([255, 56, 87], [0, 0, 0])
    """
    check_points("points", points)
    if not scale > 0:
        raise ArgumentError(f"scale: expected a number > 0, got {scale!r}")
    picture = _pixels(image)
    places = points.detach().to("cpu", torch.float32) * scale
    radius = _radii(places, picture.shape[-2:])
    for extra, color in ((0.45 * radius + 0.4, _RIM), (torch.zeros_like(radius), _DOT)):
        cover = _disks(places, radius + extra, picture.shape[-2:])
        picture = torch.lerp(picture, picture.new_tensor(color)[:, None, None].expand_as(picture), cover)
    return picture.mul(255).round().to(torch.uint8)


def _pixels(image: "Tensor | Image") -> Tensor:
    import numpy as np

    # A copy, because the picture's own memory is read-only.
    return torch.from_numpy(np.array(to_pil(image))).permute(2, 0, 1).to(torch.float32) / 255


def _radii(places: Tensor, size: Sequence[int]) -> Tensor:
    """Set the radius of each dot to at most a third of the distance to the next, so that neighbors stay apart."""
    largest = max(_SMALLEST, min(size) / 190)
    if len(places) < 2:
        return torch.full((len(places),), largest)
    from scipy.spatial import KDTree

    tree: Any = KDTree
    nearest = tree(places.numpy()).query(places.numpy(), k=2)[0][:, 1]
    return (torch.from_numpy(nearest).float() / 3).clamp(_SMALLEST, largest)


def _disks(places: Tensor, radius: Tensor, size: Sequence[int]) -> Tensor:
    """Compute how much of each pixel is covered by disks, (H, W) in [0, 1]."""
    height, width = size
    cover = torch.zeros(height * width)
    if len(places) == 0:
        return cover.view(height, width)
    reach = int(radius.max()) + 2
    steps = torch.arange(-reach, reach + 1)
    for start in range(0, len(places), max(1, _CHUNK // len(steps) ** 2)):
        some, own = places[start : start + _CHUNK // len(steps) ** 2], radius[start:]
        column = some[:, :1].floor().long() + steps
        row = some[:, 1:].floor().long() + steps
        across, down = column + 0.5 - some[:, :1], row + 0.5 - some[:, 1:]
        away = (across[:, None].square() + down[:, :, None].square()).sqrt()
        share = (own[: len(some), None, None] + 0.5 - away).clamp(0, 1)
        seen = ((column >= 0) & (column < width))[:, None] & ((row >= 0) & (row < height))[:, :, None]
        pixel = row[:, :, None] * width + column[:, None]
        cover = cover.scatter_reduce(0, pixel[seen], share[seen], "amax")
    return cover.view(height, width)


def draw_zones(
    image: "Tensor | Image", zones: Sequence[tuple[str, Tensor]], *, scale: float = 1.0
) -> "Image":
    """Draw the outlines of zones, with a short text such as a count in each.

    Args:
        image: A tensor as :func:`~crowdkit.pictures.to_pil` takes it, or a Pillow image.
        zones: For each zone a text, which may be empty, and its corners (x, y), shape (K, 2).
        scale: Pixels of the picture per pixel of the corners' canvas.

    Returns:
        The picture with the zones.

    Raises:
        ShapeError: If the tensor is not a picture or a zone is not a polygon.
        ArgumentError: If the sides of a zone meet, or ``scale`` is not positive.

    Examples:
        >>> import torch
        >>> corners = torch.tensor([[10.0, 10.0], [110.0, 10.0], [60.0, 80.0]])
        >>> draw_zones(torch.zeros(3, 90, 120), [("left 12", corners)]).size
        (120, 90)
    """
    from PIL import Image, ImageDraw, ImageFont

    if not scale > 0:
        raise ArgumentError(f"scale: expected a number > 0, got {scale!r}")
    for _, polygon in zones:
        check_polygon("zones", polygon)
    picture = to_pil(image)
    outlines = [(polygon.detach().double().cpu() * scale) for _, polygon in zones]
    thick = max(1.5, min(picture.size) / 300)
    # Lines are drawn at twice the size, then halved: Pillow does not antialias them.
    for width, color in ((2 * thick, _CASING), (thick, _LINE)):
        mask = Image.new("L", (2 * picture.width, 2 * picture.height))
        for polygon in outlines:
            closed = [(2 * x, 2 * y) for x, y in [*polygon.tolist(), *polygon[:2].tolist()]]
            ImageDraw.Draw(mask).line(closed, fill=255, width=round(2 * width), joint="curve")
        picture.paste(Image.new("RGB", picture.size, color), mask=mask.reduce(2))
    font = ImageFont.load_default(max(11, round(min(picture.size) / 26)))
    plates = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(plates)
    for (text, _), polygon in zip(zones, outlines, strict=True):
        if not text:
            continue
        middle = _inmost(polygon)
        left, top, right, bottom = draw.textbbox(middle, text, font=font, anchor="mm")
        pad = 0.35 * (bottom - top)
        box = (left - 1.5 * pad, top - pad, right + 1.5 * pad, bottom + pad)
        draw.rounded_rectangle(box, radius=pad, fill=_PLATE)
        draw.text(middle, text, font=font, fill=(*_LINE, 255), anchor="mm")
    return Image.alpha_composite(picture.convert("RGBA"), plates).convert("RGB")


def _inmost(polygon: Tensor, steps: int = 40) -> tuple[float, float]:
    """Find a grid point far from a polygon's sides and, among several, the one nearest to its middle."""
    low, high = polygon.amin(dim=0), polygon.amax(dim=0)
    fraction = (torch.arange(steps, dtype=polygon.dtype) + 0.5) / steps
    grid = low + (high - low) * torch.cartesian_prod(fraction, fraction)
    ends = polygon.roll(-1, 0)
    side = ends - polygon
    along = ((grid[:, None] - polygon) * side).sum(-1) / side.square().sum(-1)
    away = (polygon + along.clamp(0, 1)[..., None] * side - grid[:, None]).norm(dim=-1).amin(dim=1)
    # An odd number of crossings of a ray to the right means inside.
    spans = (polygon[:, 1] <= grid[:, None, 1]) != (ends[:, 1] <= grid[:, None, 1])
    rise = torch.where(side[:, 1] == 0, 1.0, side[:, 1])
    meets = polygon[:, 0] + (grid[:, None, 1] - polygon[:, 1]) / rise * side[:, 0]
    odd = (spans & (meets > grid[:, None, 0])).sum(dim=1) % 2 == 1
    room = away.masked_fill(~odd, -1)
    far = (room >= 0.9 * room.max()).nonzero().flatten()
    middle = grid[odd].mean(dim=0) if odd.any() else polygon.mean(dim=0)
    x, y = grid[far[(grid[far] - middle).norm(dim=1).argmin()]].tolist()
    return x, y
