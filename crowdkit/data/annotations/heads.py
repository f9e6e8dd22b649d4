"""What every reader returns and every writer takes: the heads of one image."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor

from crowdkit.errors import DataError

if TYPE_CHECKING:
    from crowdkit.data.annotations.source import Source

Convention = Literal["continuous", "index", "matlab"]
"""Where a file's coordinates put the center of the first pixel: 0.5, 0 or 1."""

SHIFT: dict[Convention, float] = {"continuous": 0.0, "index": 0.5, "matlab": -0.5}
"""What makes coordinates of each convention continuous."""

Unit = Literal["pixels", "fraction", "percent"]
"""What coordinates count: pixels, or parts of the image's width and height."""

Loss = Literal["classes", "sizes", "images without heads", "parts of pixels"]
"""What a format may not be able to hold."""

UNITS: dict[Unit, float] = {"pixels": math.nan, "fraction": 1.0, "percent": 100.0}
"""What the whole width is in each unit; NaN where that depends on the image."""


class Head(NamedTuple):
    """One head.

    Attributes:
        x: Its center, from the left.
        y: Its center, from the top.
        size: Side of its box (the root of the box's area); NaN where it was marked as a point.
        label: Its class; empty where it has none.
    """

    x: float
    y: float
    size: float = math.nan
    label: str = ""

    @property
    def has_size(self) -> bool:
        """Whether it was marked with its size."""
        return self.size > 0


@dataclass(frozen=True, kw_only=True)
class ImageHeads:
    """The heads of one image, and what else its annotation file says of it.

    Attributes:
        points: Centers, shape (N, 2), float64 (x, y).
        name: The image's name as the file writes it; ``None`` where the file is called like its image.
        sizes: Side of each head's box (the root of its area), shape (N,), float64; NaN for single points,
            ``None`` if all are.
        labels: The class of each head, empty where it has none; an empty tuple if none has one.
        image_size: Height and width of the image, as the file writes them.
        stated_total: How many heads the file says it has.
        left_out: How many marks were not read as heads, by their kind.
        regions: Marks that stand for a crowd as a whole, so that the image's count is not known.
        unit: What coordinates and sizes count; ``None`` where the format does not say.

    Examples:
        >>> import torch
        >>> image = ImageHeads(points=torch.tensor([[25.0, 50.0]]), image_size=(48, 64), unit="percent")
        >>> image.in_pixels().points
        tensor([[16., 24.]], dtype=torch.float64)
    """

    points: Tensor
    name: str | None = None
    sizes: Tensor | None = None
    labels: tuple[str, ...] = ()
    image_size: tuple[int, int] | None = None
    stated_total: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    regions: int = 0
    unit: Unit | None = None

    def __len__(self) -> int:
        return len(self.points)

    def heads(self) -> Iterator[Head]:
        """Go through the heads one by one."""
        sizes = [math.nan] * len(self) if self.sizes is None else self.sizes.tolist()
        labels = self.labels or ("",) * len(self)
        for (x, y), size, label in zip(self.points.tolist(), sizes, labels, strict=True):
            yield Head(x, y, size, label)

    def select(self, labels: Sequence[str]) -> "ImageHeads":
        """Keep the heads of some classes."""
        places = [place for place, label in enumerate(self.labels) if label in labels]
        return replace(
            self,
            points=self.points[places],
            sizes=None if self.sizes is None else self.sizes[places],
            labels=tuple(self.labels[place] for place in places),
        )

    def in_pixels(self, size: tuple[int, int] | None = None, *, unit: Unit | None = None) -> "ImageHeads":
        """Turn fractions and percent into pixels.

        Args:
            size: Height and width of the image; as the file writes them when ``None``.
            unit: What the coordinates count, against what the file says.

        Returns:
            The same heads in pixels.

        Raises:
            DataError: If the size is needed and not known.
        """
        unit = unit or self.unit or "pixels"
        if unit == "pixels":
            return replace(self, unit="pixels")
        height, width = size or self.known_size()
        whole = UNITS[unit]
        scale = torch.tensor([width / whole, height / whole], dtype=torch.float64)
        sizes = None if self.sizes is None else self.sizes * math.sqrt(height * width) / whole
        return replace(self, points=self.points.double() * scale, sizes=sizes, unit="pixels")

    def shifted(self, shift: float) -> "ImageHeads":
        """Move coordinates in pixels from one convention to another; parts of an image have none."""
        return self if self.unit in ("fraction", "percent") else replace(self, points=self.points + shift)

    def known_size(self) -> tuple[int, int]:
        """Return height and width of the image.

        Raises:
            DataError: If they are not known.
        """
        if self.image_size is None or min(self.image_size) < 1:
            raise DataError(
                f"{self.name or 'image'}: expected its height and width, which this format counts in, got none; "
                "say where the images are (--images)"
            )
        return self.image_size

    def known_name(self) -> str:
        """Return the image's name.

        Raises:
            DataError: If it is not known.
        """
        if not self.name:
            raise DataError("name: expected the image's file name, got none; name the annotation's image")
        return self.name


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format of annotations; each lies in a file of this folder, in its tuple ``FORMATS``.

    Attributes:
        name: What it is called in ``format=``.
        title: What it is called in messages and tables.
        recognize: Tells by the content whether a file is of this format. May raise what a malformed file makes
            it raise.
        read: Reads a file of this format. Whatever it raises becomes a :class:`~crowdkit.errors.DataError` with the
            file's name.
        write: Returns the files that hold the heads of some images, by name; ``None`` if it is only read.
        convention: Where coordinates put the center of the first pixel.
        loses: What it cannot hold.
    """

    name: str
    title: str
    recognize: "Callable[[Source], bool]"
    read: "Callable[[Source], list[ImageHeads]]"
    write: Callable[[Sequence[ImageHeads]], dict[str, str | bytes]] | None = None
    convention: Convention = "continuous"
    loses: tuple[Loss, ...] = ()
