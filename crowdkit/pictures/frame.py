"""A frame of a video with all that is known of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from crowdkit.errors import ShapeError
from crowdkit.pictures.color import color_map, overlay
from crowdkit.pictures.files import to_pil
from crowdkit.pictures.marks import draw_zones
from crowdkit.pictures.plot import clock

if TYPE_CHECKING:
    from PIL.Image import Image

_PLATE, _WHITE, _SOFT = (14, 16, 40, 196), (255, 255, 255, 255), (206, 212, 230, 255)


def annotate_frame(
    image: Tensor,
    density: Tensor,
    *,
    maximum: float,
    count: float,
    interval: tuple[float, float] | None = None,
    time: float | None = None,
    zones: Sequence[tuple[str, Tensor]] = (),
    scale: tuple[str, str] | None = None,
    alert: str | None = None,
    plot: "Image | None" = None,
) -> "Image":
    """Draw a frame with its density, count, interval, time and zones, and a plot below.

    All that stands on the picture keeps its place from frame to frame, and the colors mean the same.

    Args:
        image: The frame, shape (3, H, W), floating RGB in [0, 1] or uint8.
        density: Its map at any stride, shape (h, w), (1, h, w) or (1, 1, h, w).
        maximum: The value of the brightest color: one number for the whole video.
        count: People.
        interval: Fewest and most people.
        time: Seconds since the beginning.
        zones: A text and the corners (x, y), shape (K, 2), of each.
        scale: What no color and the brightest color mean; draws a bar of the colors.
        alert: A line that stands in red, such as an alert that is on.
        plot: A picture as wide as the frame to stand below, as :func:`plot_counts` draws it.

    Returns:
        The picture, as wide as the frame.

    Raises:
        ShapeError: If ``image`` is no frame, ``density`` not one map, or ``plot`` not as wide as the frame.

    Examples:
        >>> import torch
        >>> frame, density = torch.rand(3, 180, 320), torch.rand(1, 1, 23, 40)
        >>> annotate_frame(frame, density, maximum=1.0, count=460, interval=(400, 520), time=7.5).size
        (320, 180)
    """
    from PIL import Image

    picture = to_pil(overlay(image, density, maximum=maximum))
    if zones:
        picture = draw_zones(picture, zones)
    plates = _Plates(picture)
    lines = [(f"{count:,.0f}", 2.3, _WHITE), ("person" if round(count) == 1 else "people", 1.0, _SOFT)]
    if interval is not None:
        lines.append((f"{interval[0]:,.0f} to {interval[1]:,.0f}", 1.0, _SOFT))
    plates.text(lines, right=False)
    if time is not None:
        plates.text([(clock(time, tenths=True), 1.0, _WHITE)], right=True)
    if scale is not None:
        plates.bar(*scale)
    if alert is not None:
        plates.alert(alert)
    picture = plates.finish()
    if plot is None:
        return picture
    if plot.width != picture.width:
        raise ShapeError(
            f"plot: expected the width of the frame, {picture.width}, got {plot.width}; draw it so"
        )
    page = Image.new("RGB", (picture.width, picture.height + plot.height))
    page.paste(picture, (0, 0))
    page.paste(plot.convert("RGB"), (0, picture.height))
    return page


class _Plates:
    """Dark plates with text in the corners of a picture."""

    def __init__(self, picture: "Image") -> None:
        from PIL import Image, ImageDraw

        self.picture = picture
        self.layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.layer)
        self.type = max(10, round(min(picture.size) / 24))
        self.gap = round(0.8 * self.type)

    def _font(self, share: float) -> Any:
        from PIL import ImageFont

        return ImageFont.load_default(round(share * self.type))

    def text(self, lines: Sequence[tuple[str, float, tuple[int, int, int, int]]], *, right: bool) -> None:
        """Write lines, each with its size and color, in an upper corner."""
        pad = 0.6 * self.type
        # Digits of one width: the plate does not jump while the count changes.
        wide = max(self._font(share).getlength(text.translate(_ZEROS)) for text, share, _ in lines)
        high = sum(1.22 * share * self.type for _, share, _ in lines)
        left = self.picture.width - self.gap - wide - 2 * pad if right else self.gap
        box = (left, self.gap, left + wide + 2 * pad, self.gap + high + 1.5 * pad)
        self.draw.rounded_rectangle(box, radius=0.5 * self.type, fill=_PLATE)
        y = self.gap + 0.75 * pad
        for text, share, color in lines:
            middle = y + 0.61 * share * self.type
            self.draw.text((left + pad, middle), text, font=self._font(share), fill=color, anchor="lm")
            y += 1.22 * share * self.type

    def bar(self, low: str, high: str) -> None:
        """Draw the scale of colors in the lower right corner."""
        font, pad, thick = self._font(0.85), 0.5 * self.type, 0.55 * self.type
        long = 7 * self.type
        ends = [font.getlength(text) for text in (low, high)]
        wide = sum(ends) + long + 4 * pad
        right, lower = self.picture.width - self.gap, self.picture.height - self.gap
        self.draw.rounded_rectangle(
            (right - wide, lower - 1.7 * self.type, right, lower), radius=0.5 * self.type, fill=_PLATE
        )
        middle = lower - 0.85 * self.type
        self.draw.text((right - wide + pad, middle), low, font=font, fill=_SOFT, anchor="lm")
        self.draw.text((right - pad, middle), high, font=font, fill=_SOFT, anchor="rm")
        start = round(right - wide + 2 * pad + ends[0])
        # As overlay() mixes them: the darkest third of the palette is not used.
        ramp = torch.linspace(0.3, 1.0, round(long)).expand(max(3, round(thick)), -1)
        colors = to_pil(color_map(ramp, maximum=1.0)).convert("RGBA")
        self.layer.paste(colors, (start, round(middle - thick / 2)))

    def alert(self, text: str) -> None:
        """Write a line on red in the middle of the upper edge."""
        font, pad = self._font(1.0), 0.6 * self.type
        wide, high, middle = font.getlength(text), 1.22 * self.type + 1.2 * pad, self.picture.width / 2
        box = (middle - wide / 2 - pad, self.gap, middle + wide / 2 + pad, self.gap + high)
        self.draw.rounded_rectangle(box, radius=0.5 * self.type, fill=(214, 32, 64, 232))
        self.draw.text((middle, self.gap + high / 2), text, font=font, fill=_WHITE, anchor="mm")

    def finish(self) -> "Image":
        from PIL import Image

        return Image.alpha_composite(self.picture.convert("RGBA"), self.layer).convert("RGB")


_ZEROS = str.maketrans("123456789", "0" * 9)
