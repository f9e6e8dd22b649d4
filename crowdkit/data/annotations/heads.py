"""What every reader returns and every writer takes: the heads of one image."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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


class Marks:
    """Collects the marks of one image while a file is read."""

    def __init__(self) -> None:
        self._heads: list[Head] = []
        self._left_out: dict[str, int] = {}
        self._regions = 0

    def __len__(self) -> int:
        return len(self._heads)

    def point(self, x: Any, y: Any, label: Any = "", *, size: float = math.nan) -> None:
        """Add a head."""
        self._heads.append(Head(number(x), number(y), size, _text(label)))

    def box(self, left: Any, top: Any, right: Any, bottom: Any, label: Any = "") -> None:
        """Add a head by two corners of its box."""
        left, top, right, bottom = (number(each) for each in (left, top, right, bottom))
        size = math.sqrt(abs((right - left) * (bottom - top)))
        self.point((left + right) / 2, (top + bottom) / 2, label, size=size or math.nan)

    def polygon(self, corners: Sequence[Sequence[Any]], label: Any = "") -> None:
        """Add a head by its outline; the center is that of the area."""
        places = [(number(x), number(y)) for x, y in corners]
        x, y, area = _centroid(places)
        self.point(x, y, label, size=math.sqrt(area) or math.nan)

    def ellipse(self, x: Any, y: Any, rx: Any, ry: Any, label: Any = "") -> None:
        """Add a head by an ellipse around it."""
        self.point(x, y, label, size=math.sqrt(math.pi * abs(number(rx) * number(ry))) or math.nan)

    def leave_out(self, kind: Any, marks: int = 1) -> None:
        """Count marks that are no head."""
        kind = _text(kind) or "mark without a kind"
        self._left_out[kind] = self._left_out.get(kind, 0) + marks

    def region(self) -> None:
        """Count a mark that stands for many heads."""
        self._regions += 1

    def heads(
        self,
        name: Any = None,
        *,
        image_size: tuple[int, int] | None = None,
        stated_total: Any = None,
        unit: Unit | None = None,
    ) -> ImageHeads:
        """Return what was collected, with what else the file says of the image, true or not."""
        sizes = [head.size for head in self._heads]
        labels = tuple(head.label for head in self._heads)
        pairs = [(head.x, head.y) for head in self._heads]
        return ImageHeads(
            name=" ".join(_text(name).splitlines()) or None,
            points=torch.tensor(pairs, dtype=torch.float64).reshape(-1, 2),
            sizes=None if all(map(math.isnan, sizes)) else torch.tensor(sizes, dtype=torch.float64),
            labels=labels if any(labels) else (),
            left_out=self._left_out,
            regions=self._regions,
            image_size=image_size,
            stated_total=stated_total if type(stated_total) is int else None,
            unit=unit,
        )


def number(value: Any) -> float:
    """Return a coordinate, or raise ValueError; texts are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 (a value of the file)
            f"expected a number, got {str(value)[:60]!r}"
        )
    return float(value)


def pixels(height: Any, width: Any) -> tuple[int, int] | None:
    """Return an image's size as a file writes it, as numbers or text; ``None`` if it is none."""
    try:
        size = (round(float(height)), round(float(width)))
    except (TypeError, ValueError, OverflowError):
        return None
    return size if min(size) > 0 else None


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _centroid(corners: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the center of a polygon's area and the area; of the corners if they enclose none."""
    if not corners:
        raise ValueError("expected corners, got none")
    x0, y0 = corners[0]  # relative to a corner, so that large coordinates lose nothing
    shifted = [(x - x0, y - y0) for x, y in corners]
    double = sum_x = sum_y = 0.0
    for (x1, y1), (x2, y2) in zip(shifted, [*shifted[1:], shifted[0]], strict=True):
        cross = x1 * y2 - x2 * y1
        double += cross
        sum_x += (x1 + x2) * cross
        sum_y += (y1 + y2) * cross
    if abs(double) < 1e-12:
        return (
            x0 + sum(x for x, _ in shifted) / len(shifted),
            y0 + sum(y for _, y in shifted) / len(shifted),
            0.0,
        )
    return x0 + sum_x / (3 * double), y0 + sum_y / (3 * double), abs(double) / 2
