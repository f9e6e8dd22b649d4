"""Labeled pictures and grids of pictures, drawn with Pillow and its built-in font."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.pictures.color import color_map
from crowdkit.pictures.files import to_pil

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_PAPER, _INK, _SOFT, _EDGE = (255, 255, 255), (24, 28, 44), (96, 102, 118), (214, 217, 224)


def label(image: "Tensor | Image", text: str) -> "Image":
    """Write a short text, such as a count, on a plate in the lower left corner of a picture.

    Args:
        image: A tensor as :func:`~crowdkit.pictures.to_pil` takes it, or a Pillow image.
        text: One line. Pillow's own font covers Latin letters; the plate scales with the picture.

    Returns:
        The picture with its label.

    Examples:
        >>> import torch
        >>> label(torch.zeros(3, 120, 160), "137 people").size
        (160, 120)
    """
    from PIL import Image, ImageDraw

    picture = to_pil(image)
    type_size = max(11, round(min(picture.size) / 18))
    font = _font(type_size)
    pad = round(0.5 * type_size)
    wide, high = round(font.getlength(text)) + 2 * pad, round(1.3 * type_size) + pad
    left, top = pad, picture.height - pad - high
    plate = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    box = (left, top, left + wide, top + high)
    ImageDraw.Draw(plate).rounded_rectangle(box, radius=high / 4, fill=(14, 16, 40, 205))
    picture = Image.alpha_composite(picture.convert("RGBA"), plate).convert("RGB")
    middle = (left + wide / 2, top + high / 2)
    ImageDraw.Draw(picture).text(middle, text, font=font, fill=(255, 255, 255), anchor="mm")
    return picture


def sheet(
    rows: "Sequence[Sequence[Tensor | Image | None]]",
    *,
    captions: Sequence[Sequence[str | None]] | None = None,
    headings: Sequence[str] | None = None,
    title: str | None = None,
    bar: tuple[str, str] | None = None,
    width: int = 320,
) -> "Image":
    """Arrange pictures in a grid with headings over its columns and captions under its pictures.

    Args:
        rows: Pictures, row by row; ``None`` leaves a place empty. Tensors as
            :func:`~crowdkit.pictures.to_pil` takes them, or Pillow images. Small maps are enlarged with their
            cells visible, photographs smoothly.
        captions: A text under each picture, in the layout of ``rows``; ``None`` for none. Long texts wrap.
        headings: A text over each column.
        title: A line above everything.
        bar: The meaning of the darkest and the brightest color of :func:`~crowdkit.pictures.color_map`; draws a
            bar of the palette between the two texts.
        width: Width of every picture on the sheet, in pixels.

    Returns:
        The sheet.

    Raises:
        ShapeError: If there is no picture, or captions or headings do not match the grid.
        ArgumentError: If ``width`` is too small for legible text.

    Examples:
        >>> import torch
        >>> grid = [[torch.zeros(3, 60, 80), torch.ones(15, 20)]]
        >>> page = sheet(grid, captions=[["photograph", "map"]], width=120)
        >>> page.width
        270
    """
    columns = _check_grid(rows, captions, headings, width)
    gap = max(10, round(width / 27))
    large, small = max(11, round(width / 18)), max(10, round(width / 22))
    page = _Page(width=width, gap=gap, columns=columns)
    if title:
        page.texts([title], round(1.2 * large), _INK)
    if headings:
        page.texts(headings, large, _INK)
    for number, row in enumerate(rows):
        page.pictures([None if each is None else _fit(to_pil(each), width) for each in row])
        if captions:
            page.texts([text or "" for text in captions[number]], small, _SOFT)
        page.space(gap // 2)
    if bar:
        page.bar(bar, small)
    return page.compose()


def _check_grid(
    rows: "Sequence[Sequence[Tensor | Image | None]]",
    captions: Sequence[Sequence[str | None]] | None,
    headings: Sequence[str] | None,
    width: int,
) -> int:
    if not any(each is not None for row in rows for each in row):
        raise ShapeError("rows: expected at least one picture, got none")
    columns = max(len(row) for row in rows)
    if width < 48:
        raise ArgumentError(f"width: expected at least 48 pixels per picture, got {width}")
    if headings is not None and len(headings) != columns:
        raise ShapeError(f"headings: expected {columns}, one per column, got {len(headings)}")
    if captions is not None and [len(line) for line in captions] != [len(row) for row in rows]:
        raise ShapeError("captions: expected the layout of rows, got another; use None where there is none")
    return columns


class _Page:
    """A page that grows downwards, strip by strip."""

    def __init__(self, *, width: int, gap: int, columns: int) -> None:
        self.width, self.gap = width, gap
        self.full = columns * (width + gap) + gap
        self.strips: list[Image] = []
        self.space(gap)

    def _strip(self, height: int) -> "Image":
        from PIL import Image

        self.strips.append(Image.new("RGB", (self.full, height), _PAPER))
        return self.strips[-1]

    def _left(self, column: int) -> int:
        return self.gap + column * (self.width + self.gap)

    def space(self, height: int) -> None:
        self._strip(height)

    def texts(self, texts: Sequence[str], size: int, ink: tuple[int, int, int]) -> None:
        """Write one text per column; a single text may use the whole width of the page."""
        from PIL import ImageDraw

        room = self.width if len(texts) > 1 else self.full - 2 * self.gap
        wrapped = [_wrap(text, size, room) for text in texts]
        leading, before = round(1.35 * size), round(0.35 * size)
        draw = ImageDraw.Draw(
            self._strip(before + leading * max(len(lines) for lines in wrapped) + self.gap // 3)
        )
        for column, lines in enumerate(wrapped):
            for number, line in enumerate(lines):
                draw.text((self._left(column), before + number * leading), line, font=_font(size), fill=ink)

    def pictures(self, pictures: "Sequence[Image | None]") -> None:
        from PIL import ImageDraw

        strip = self._strip(max(each.height for each in pictures if each is not None) if any(pictures) else 0)
        draw = ImageDraw.Draw(strip)
        for column, picture in enumerate(pictures):
            if picture is not None:
                left = self._left(column)
                strip.paste(picture, (left, 0))
                draw.rectangle((left, 0, left + self.width - 1, picture.height - 1), outline=_EDGE)

    def bar(self, ends: tuple[str, str], size: int) -> None:
        from PIL import ImageDraw

        font, left, high = _font(size), self.gap, round(1.1 * size)
        strip = self._strip(2 * size)
        draw = ImageDraw.Draw(strip)
        wide = min(14 * size, self.full // 3)
        draw.text((left, high // 2), ends[0], font=font, fill=_SOFT, anchor="lm")
        left += round(font.getlength(ends[0])) + size // 2
        palette = color_map(torch.linspace(0, 1, wide).expand(high, wide), maximum=1.0)
        strip.paste(to_pil(palette), (left, 0))
        draw.text((left + wide + size // 2, high // 2), ends[1], font=font, fill=_SOFT, anchor="lm")

    def compose(self) -> "Image":
        from PIL import Image

        page = Image.new("RGB", (self.full, sum(strip.height for strip in self.strips)), _PAPER)
        top = 0
        for strip in self.strips:
            page.paste(strip, (0, top))
            top += strip.height
        return page


def _fit(picture: "Image", width: int) -> "Image":
    from PIL import Image

    size = (width, max(1, round(picture.height * width / picture.width)))
    # Below a quarter of the width it is a map of few cells, which stay visible.
    small = picture.width * 4 <= width
    return picture.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS)


def _font(size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)  # type: ignore[return-value]


def _wrap(text: str, size: int, width: int) -> list[str]:
    font, lines = _font(size), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [line for line in lines if line]
