"""What comes of counting: a count for each image, or the reason why there is none."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from crowdkit.counting.places import count_zones
from crowdkit.data import LazyImage, PixelArray, Zone
from crowdkit.errors import printable
from crowdkit.pictures import draw_points, draw_zones, overlay, save_image, to_pil

if TYPE_CHECKING:
    from PIL.Image import Image

# Pictures of larger images are drawn smaller.
PLOT_PIXELS = 25_000_000


@dataclass(frozen=True, kw_only=True)
class Count:
    """What a model sees in one image.

    Attributes:
        source: What was counted: the path or address, or ``"array"``, ``"tensor"``, ``"bytes"``, ``"image"``.
        path: The image file, if it is one.
        count: Estimated number of people.
        density: Estimated density map in people per cell, shape :math:`(1, 1, h, w)`, on the CPU.
        stride: Side of a cell in pixels.
        size: Height and width of the image in pixels.
        tiles: In how many tiles it was counted; 1 if it was seen whole.
        interval: Between which numbers the true count lies, for as many images as the calibration says; ``None``
            without one.
        unusual: What of the image lies outside what the model has seen; the interval then promises nothing.
        picture: The image. Of a file that is not the last one counted, it is decoded again when it is asked for.
    """

    source: str
    path: Path | None = None
    count: float
    density: Tensor = field(repr=False, compare=False)
    stride: int
    size: tuple[int, int]
    tiles: int = 1
    interval: tuple[float, float] | None = None
    unusual: tuple[str, ...] = ()
    picture: LazyImage = field(repr=False, compare=False)

    def plot(
        self, *, points: Tensor | None = None, zones: Sequence[Zone] = (), pixels: int = PLOT_PIXELS
    ) -> "Image":
        """Draw the image with the density over it.

        Args:
            points: Heads (x, y) to draw too, in pixels of the image, shape :math:`(N, 2)`; such as
                :func:`~crowdkit.counting.locate` finds.
            zones: Zones to draw too, each with the people in it.
            pixels: Pixels that the picture may have; a larger image is drawn smaller.

        Returns:
            The picture.

        Raises:
            DataError: If a zone lies outside the image, or its file has gone.

        Examples:
            >>> import torch
            >>> from crowdkit.counting import Counter
            >>> from crowdkit.models import create_model
            >>> seen = Counter(create_model("mcnn"), device="cpu").count(torch.rand(3, 40, 60))
            >>> seen.plot().size
            (60, 40)
        """
        image = self.picture.shrunk(pixels)
        scale = image.shape[-1] / self.size[1]
        drawn: Tensor | Image = overlay(image, self.density)
        if points is not None:
            drawn = draw_points(drawn, points, scale=scale)
        if zones:
            people = count_zones(self.density, zones, stride=self.stride, size=self.size)
            texts = [(f"{zone.name} {people[zone.name]:.1f}", zone.polygon) for zone in zones]
            drawn = draw_zones(drawn, texts, scale=scale)
        return to_pil(drawn)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        points: Tensor | None = None,
        zones: Sequence[Zone] = (),
        pixels: int = PLOT_PIXELS,
    ) -> Path:
        """Write the picture of :meth:`plot` to a file; the ending says the format.

        Args:
            path: The file. Folders that are missing are made; a file that is there is replaced.
            points: As for :meth:`plot`.
            zones: As for :meth:`plot`.
            pixels: As for :meth:`plot`.

        Returns:
            The path.

        Raises:
            ArgumentError: If Pillow knows no format with this ending.
        """
        return save_image(self.plot(points=points, zones=zones, pixels=pixels), path)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values: numbers of people with two decimals, all but the map and picture.

        ``lower``, ``upper`` and ``unusual`` are there if the model has a calibration.

        Examples:
            >>> import torch
            >>> from crowdkit.counting import Counter
            >>> from crowdkit.models import create_model
            >>> seen = Counter(create_model("mcnn"), device="cpu").count(torch.rand(3, 40, 60))
            >>> list(seen.to_dict())
            ['path', 'count', 'height', 'width', 'tiles']
        """
        height, width = self.size
        row: dict[str, Any] = {"path": self.source, "count": round(self.count, 2)}
        if self.interval is not None:
            lower, upper = self.interval
            row |= {"lower": round(lower, 2), "upper": round(upper, 2), "unusual": list(self.unusual)}
        return row | {"height": height, "width": width, "tiles": self.tiles}


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """An input that was not counted.

    Attributes:
        source: What was given: the path or address, or ``"array"``, ``"tensor"``, ``"bytes"``, ``"image"``.
        reason: What is wrong with it and what to do, in one line.
        path: The file or folder, if it is one.
    """

    source: str
    reason: str
    path: Path | None = None

    @classmethod
    def of(cls, source: object, reason: object) -> "Unreadable":
        """Report a source.

        Args:
            source: What was given; what has been reported already stays as it is.
            reason: What is wrong; a path or address is put before it unless it is named there.
        """
        if isinstance(source, cls):
            return source
        name, text = name_of(source), printable(str(reason))
        if isinstance(source, (str, Path)) and printable(name) not in text:
            text = f"{printable(name)}: {text}"
        return cls(source=name, reason=text, path=source if isinstance(source, Path) else None)


def name_of(source: object) -> str:
    """Say what a source is called: its path or address, else what kind of thing it is."""
    if isinstance(source, (str, Path)):
        return str(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "bytes"
    if isinstance(source, (Tensor, PixelArray)):
        return "tensor" if isinstance(source, Tensor) else "array"
    named = getattr(source, "filename", None) or getattr(source, "name", None)
    return str(named) if isinstance(named, (str, Path)) else "image"
