"""A pencil that draws in picture coordinates on a supersampled canvas, and the colors it draws with."""

from collections.abc import Iterable
from random import Random

from PIL import Image, ImageDraw

Color = tuple[int, int, int]

SKIN: tuple[Color, ...] = (
    (255, 219, 190), (241, 194, 155), (224, 172, 128), (198, 134, 92),
    (141, 85, 52), (92, 56, 38), (62, 40, 30),
)  # fmt: skip
HAIR: tuple[Color, ...] = (
    (20, 16, 14), (28, 22, 18), (45, 30, 20), (74, 46, 26),
    (110, 72, 40), (172, 128, 74), (150, 148, 146), (214, 208, 200),
)  # fmt: skip


def shade(color: Color, factor: float) -> Color:
    """Darken (below 1) or lighten (above 1) a color."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in color)
    return red, green, blue


def mix(first: Color, second: Color, share: float) -> Color:
    """Blend ``share`` of ``second`` into ``first``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def vivid(rng: Random) -> Color:
    """Draw any color, gray ones as likely as bright ones."""
    base = rng.randint(30, 225)
    spread = rng.choice((12, 60, 110))
    red, green, blue = (max(0, min(255, base + rng.randint(-spread, spread))) for _ in range(3))
    return red, green, blue


def clothes(rng: Random) -> Color:
    """Draw a color of clothes: dark and muted more often than bright."""
    if rng.random() < 0.5:
        base = rng.randint(18, 90)
        return base + rng.randint(-10, 10), base + rng.randint(-10, 10), min(255, base + rng.randint(-6, 40))
    if rng.random() < 0.3:
        base = rng.randint(190, 245)
        return base, base - rng.randint(0, 12), base - rng.randint(0, 20)
    return vivid(rng)


class Brush:
    """Draw shapes given in picture coordinates (x right, y down, continuous).

    Args:
        image: The supersampled canvas.
        scale: Canvas pixels per pixel of the picture.
        light: Direction of the light: 1 from the right, -1 from the left.
        transparent: Blend four-channel colors instead of overwriting.
    """

    def __init__(
        self, image: Image.Image, scale: int, light: float = 1.0, *, transparent: bool = False
    ) -> None:
        self._draw = ImageDraw.Draw(image, "RGBA" if transparent else None)
        self.scale = scale
        self.light = light

    # Pillow's boxes include their last pixel, hence the -1: a disc of radius r covers 2r pixels.
    def _box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        s = self.scale
        left, top = round(x0 * s), round(y0 * s)
        return left, top, max(left, round(x1 * s) - 1), max(top, round(y1 * s) - 1)

    def disc(self, x: float, y: float, rx: float, ry: float, fill: tuple[int, ...]) -> None:
        """Fill an ellipse around (x, y)."""
        self._draw.ellipse(self._box(x - rx, y - ry, x + rx, y + ry), fill=fill)

    def cap(
        self, x: float, y: float, rx: float, ry: float, fill: tuple[int, ...], angles: tuple[float, float]
    ) -> None:
        """Fill the part of an ellipse between two angles, cut by their chord (clockwise, 0 is right)."""
        self._draw.chord(self._box(x - rx, y - ry, x + rx, y + ry), angles[0], angles[1], fill=fill)

    def rect(self, x0: float, y0: float, x1: float, y1: float, fill: tuple[int, ...]) -> None:
        """Fill a rectangle."""
        self._draw.rectangle(self._box(x0, y0, max(x0, x1), max(y0, y1)), fill=fill)

    def polygon(self, corners: Iterable[tuple[float, float]], fill: tuple[int, ...]) -> None:
        """Fill a polygon."""
        s = self.scale
        self._draw.polygon([(round(x * s), round(y * s)) for x, y in corners], fill=fill)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, fill: tuple[int, ...]) -> None:
        """Draw a straight line."""
        s = self.scale
        ends = [(round(x0 * s), round(y0 * s)), (round(x1 * s), round(y1 * s))]
        self._draw.line(ends, fill=fill, width=max(1, round(width * s)))

    def ball(self, x: float, y: float, rx: float, ry: float, fill: Color) -> None:
        """Fill an ellipse shaded like a sphere."""
        light = self.light
        self.disc(x, y, rx, ry, shade(fill, 0.74))
        self.disc(x + 0.14 * light * rx, y - 0.1 * ry, 0.84 * rx, 0.86 * ry, fill)
        self.disc(x + 0.3 * light * rx, y - 0.28 * ry, 0.42 * rx, 0.42 * ry, shade(fill, 1.16))
