"""Marks of one image, collected while a file is read: points, boxes, outlines, ellipses become heads."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from crowdkit.data.annotations.heads import Head, ImageHeads, Unit


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
