"""A line plot of counts over time, small enough to stand under a video."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crowdkit.errors import ArgumentError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

_NIGHT, _GRID, _INK = (14, 16, 40), (38, 42, 72), (150, 156, 180)
_BAND, _RAW, _LINE, _LIMIT = (24, 58, 90), (140, 164, 192), (253, 231, 84), (255, 72, 100)
_SCALE = 3  # canvas pixels to a pixel: Pillow draws lines with steps
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def plot_counts(
    times: Sequence[float] | NDArray[np.float64],
    counts: Sequence[float] | NDArray[np.float64],
    *,
    size: tuple[int, int] = (120, 640),
    smoothed: Sequence[float] | NDArray[np.float64] | None = None,
    interval: tuple[Sequence[float], Sequence[float]] | None = None,
    limit: float | None = None,
    span: tuple[float, float] | None = None,
    top: float | None = None,
) -> "Image":
    """Draw counts over time: thin and pale where there is a smoothed line too, which is bright.

    Args:
        times: Seconds, rising, N of them.
        counts: People, N of them; a line is broken where one is NaN.
        size: Height and width in pixels.
        smoothed: Smoothed counts, N of them.
        interval: Lower and upper ends of intervals, N of each, drawn as a band.
        limit: People at which a dashed red line is drawn.
        span: First and last second shown; those of ``times`` if ``None``.
        top: People at the upper edge: give one number for pictures that follow each other. If ``None``, the next round
            number above all that is drawn.

    Returns:
        The plot.

    Raises:
        ShapeError: If the series differ in length.
        ArgumentError: If ``size`` is too small to read anything, or ``top`` or ``span`` is empty.

    Examples:
        >>> plot_counts([0, 1, 2], [10, 14, 12], size=(90, 320)).size
        (320, 90)
    """
    from PIL import Image, ImageDraw

    height, width = size
    if height < 60 or width < 120:
        raise ArgumentError(f"size: expected at least 60 x 120 pixels, got {height} x {width}")
    series = [np.asarray(times, dtype=np.float64), np.asarray(counts, dtype=np.float64)]
    series += [
        np.asarray(each, dtype=np.float64) for each in (smoothed, *(interval or ())) if each is not None
    ]
    if any(each.ndim != 1 or each.shape != series[0].shape for each in series):
        raise ShapeError(
            f"times, counts, smoothed, interval: expected series of one length, got {[each.shape for each in series]}"
        )
    start, end = (
        span or (float(series[0][0]), float(series[0][-1])) if len(series[0]) else (span or (0.0, 1.0))
    )
    if span is not None and not end > start:
        raise ArgumentError(f"span: expected a first second before the last, got {span}")
    shown = (series[0] >= start) & (series[0] <= end)
    series = [each[shown] for each in series]
    if top is None:
        top = round_up(
            max(
                [0.0 if limit is None else limit, *(float(np.nanmax(each, initial=1)) for each in series[1:])]
            )
        )
    if not (math.isfinite(top) and top > 0):
        raise ArgumentError(f"top: expected people > 0, got {top}")
    axes = _Axes(height=height, width=width, start=start, end=max(end, start + 1e-3), top=top)
    canvas = Image.new("RGB", (width * _SCALE, height * _SCALE), _NIGHT)
    draw = ImageDraw.Draw(canvas)
    axes.grid(draw)
    if interval is not None:
        axes.band(draw, series[0], series[-2], series[-1])
    axes.line(draw, series[0], series[1], *((_RAW, 1.0) if smoothed is not None else (_LINE, 2.0)))
    if limit is not None:
        axes.limit(draw, limit)
    bright = series[2] if smoothed is not None else series[1]
    if smoothed is not None:
        axes.line(draw, series[0], bright, _LINE, 2.0)
    axes.dot(draw, series[0], bright)
    plot = canvas.reduce(_SCALE)
    axes.texts(ImageDraw.Draw(plot))
    return plot


def round_up(value: float) -> float:
    """Return the next round number that leaves some room above a value.

    Examples:
        >>> [round_up(value) for value in (0, 7, 45, 96, 130, 410)]
        [6.0, 8.0, 50.0, 120.0, 160.0, 500.0]
    """
    least = max(1.08 * value, 6.0)
    unit = 10.0 ** math.floor(math.log10(least))
    return next(unit * step for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if unit * step >= least - 1e-9)


class _Axes:
    """Where seconds and people are on the plot."""

    def __init__(self, *, height: int, width: int, start: float, end: float, top: float) -> None:
        self.start, self.end, self.top = start, end, top
        self.type = max(10, min(26, round(height / 9)))
        self.left, self.right = round(3.2 * self.type), width - round(0.9 * self.type)
        self.upper, self.lower = round(0.9 * self.type), height - round(1.7 * self.type)

    def x(self, time: float) -> float:
        return self.left + (time - self.start) / (self.end - self.start) * (self.right - self.left)

    def y(self, count: float) -> float:
        return self.lower - min(max(count / self.top, 0.0), 1.0) * (self.lower - self.upper)

    def _runs(self, *series: NDArray[np.float64]) -> list[list[tuple[float, ...]]]:
        """Split points where one is not known."""
        runs: list[list[tuple[float, ...]]] = [[]]
        for point in zip(*(each.tolist() for each in series), strict=True):
            if any(math.isnan(value) for value in point):
                runs.append([])
            else:
                runs[-1].append(point)
        return [run for run in runs if run]

    def line(
        self,
        draw: "ImageDraw",
        times: NDArray[np.float64],
        counts: NDArray[np.float64],
        color: tuple[int, int, int],
        thick: float,
    ) -> None:
        for run in self._runs(times, counts):
            path = [(self.x(time) * _SCALE, self.y(count) * _SCALE) for time, count in run]
            draw.line(path, fill=color, width=round(thick * _SCALE * self.type / 12), joint="curve")

    def band(
        self,
        draw: "ImageDraw",
        times: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> None:
        for run in self._runs(times, low, high):
            upper = [(self.x(time) * _SCALE, self.y(most) * _SCALE) for time, _, most in run]
            lower = [(self.x(time) * _SCALE, self.y(least) * _SCALE) for time, least, _ in run]
            if len(run) > 1:
                draw.polygon([*upper, *lower[::-1]], fill=_BAND)

    def dot(self, draw: "ImageDraw", times: NDArray[np.float64], counts: NDArray[np.float64]) -> None:
        runs = self._runs(times, counts)
        if runs:
            x, y = self.x(runs[-1][-1][0]) * _SCALE, self.y(runs[-1][-1][1]) * _SCALE
            for radius, color in ((0.42, _NIGHT), (0.3, _LINE)):
                reach = radius * self.type * _SCALE
                draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=color)

    def limit(self, draw: "ImageDraw", limit: float) -> None:
        y, dash = self.y(limit) * _SCALE, 0.5 * self.type * _SCALE
        x = float(self.left * _SCALE)
        while x < self.right * _SCALE:
            end = min(x + dash, self.right * _SCALE)
            draw.line([(x, y), (end, y)], fill=_LIMIT, width=round(_SCALE * self.type / 10))
            x += 1.7 * dash

    def _levels(self) -> list[float]:
        return [0.0, self.top / 2, self.top]

    def _moments(self) -> list[float]:
        most = max(2, (self.right - self.left) // (6 * self.type))
        fitting = (step for step in _STEPS if (self.end - self.start) / step <= most)
        step = next(fitting, _STEPS[-1])
        first = math.ceil(self.start / step - 1e-6)
        return [step * number for number in range(first, math.floor(self.end / step + 1e-6) + 1)]

    def grid(self, draw: "ImageDraw") -> None:
        for level in self._levels():
            y = self.y(level) * _SCALE
            draw.line([(self.left * _SCALE, y), (self.right * _SCALE, y)], fill=_GRID, width=_SCALE)
        for moment in self._moments():
            x = self.x(moment) * _SCALE
            draw.line([(x, self.upper * _SCALE), (x, self.lower * _SCALE)], fill=_GRID, width=_SCALE)

    def texts(self, draw: "ImageDraw") -> None:
        from PIL import ImageFont

        font: Any = ImageFont.load_default(self.type)
        for level in self._levels():
            place = (self.left - 0.5 * self.type, self.y(level))
            draw.text(place, f"{level:,.4g}", font=font, fill=_INK, anchor="rm")
        room = 1.4 * self.type
        for moment in self._moments():
            if self.x(moment) <= self.right - room or self.x(moment) == self.right:
                anchor = "rt" if self.x(moment) > self.right - room else "mt"
                draw.text(
                    (self.x(moment), self.lower + 0.4 * self.type),
                    clock(moment),
                    font=font,
                    fill=_INK,
                    anchor=anchor,
                )


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Write seconds as a clock does.

    Examples:
        >>> clock(75), clock(3675), clock(7.26, tenths=True)
        ('1:15', '1:01:15', '0:07.2')
    """
    whole, rest = int(seconds), int(10 * (seconds - int(seconds)) + 1e-6)
    hours, minutes = whole // 3600, whole // 60 % 60
    text = f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
    return f"{text}.{rest}" if tenths else text
