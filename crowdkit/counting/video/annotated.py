"""A clip of a video with its counts."""

import math
from collections import deque
from collections.abc import Sequence
from os import PathLike
from typing import Self

from torch import Tensor

from crowdkit.counting.durations import parse_duration
from crowdkit.counting.smoothing import Smoother
from crowdkit.counting.video.frame import Frame
from crowdkit.counting.video.writer import VideoWriter
from crowdkit.data import Zone
from crowdkit.errors import ArgumentError
from crowdkit.pictures import annotate_frame, plot_counts, round_up

_SPREAD = 15.0  # pixels: the widest kernel in common use


class AnnotatedVideo:
    """Write a video with its density, count, interval and zones, and a plot of the counts below.

    One scale of colors holds for the whole video. The plot shows the counts as estimated, pale, and smoothed by
    :class:`~crowdkit.counting.Smoother`, bright; it moves along once ``span`` is full. Memory is that of the counts in
    it. A context manager, which finishes the file.

    Args:
        path: The file; the ending says the container.
        rate: Frames a second that the container announces; frames keep their own times.
        maximum: People per cell of the brightest color. If ``None``, half more than the fullest cell of the first
            frame, but at least the peak of one head spread over 15 pixels.
        span: Seconds on the plot, or a text such as ``"1min"``.
        window: Of the smoothing, as :class:`~crowdkit.counting.Smoother` takes it.
        limit: People at which the plot has a red line.
        scale: What no color and the brightest color mean.

    Raises:
        DataError: If the file cannot be written.
        ArgumentError: If an argument is out of range.
        MissingDependencyError: If PyAV is not installed.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        rate: float = 25.0,
        maximum: float | None = None,
        span: float | str = "1min",
        window: float | str = "4s",
        limit: float | None = None,
        scale: tuple[str, str] = ("nobody", "crowded"),
    ) -> None:
        if maximum is not None and not (math.isfinite(maximum) and maximum > 0):
            raise ArgumentError(f"maximum: expected people per cell > 0, or None, got {maximum}")
        self._span, self._smoother = parse_duration(span, "span"), Smoother(window)
        self.maximum, self.limit, self._scale = maximum, limit, scale
        self._past: deque[tuple[float, float, float, float, float]] = deque()
        self._top = 0.0 if limit is None else round_up(limit)
        self._writer = VideoWriter(path, rate=rate)

    def write(
        self,
        frame: Frame,
        density: Tensor,
        *,
        count: float | None = None,
        interval: tuple[float, float] | None = None,
        zones: Sequence[Zone] = (),
        counts: dict[str, float] | None = None,
        alert: str | None = None,
    ) -> float:
        """Write a frame.

        Args:
            frame: The frame.
            density: Its map in people per cell, shape (1, 1, h, w).
            count: People; the sum of the map if ``None``.
            interval: Fewest and most people.
            zones: Zones to draw.
            counts: People in each zone by name.
            alert: A line to stand in red, such as an alert that is on.

        Returns:
            The smoothed count.
        """
        people = float(density.double().sum()) if count is None else float(count)
        low, high = (math.nan, math.nan) if interval is None else interval
        smoothed = self._smoother.update(frame.time, people)
        self._past.append((frame.time, people, smoothed, low, high))
        while self._past[0][0] < frame.time - self._span:
            self._past.popleft()
        self._top = max(self._top, round_up(max(people, 0.0 if interval is None else high)))
        if self.maximum is None:
            self.maximum = _scale_of(density, frame.image)
        labels = [
            (
                f"{zone.name} {counts[zone.name]:,.0f}" if counts and zone.name in counts else zone.name,
                zone.polygon,
            )
            for zone in zones
        ]
        height, width = frame.image.shape[-2:]
        times, raw, smooth, lower, upper = (list(each) for each in zip(*self._past, strict=True))
        start = max(0.0, frame.time - self._span)
        plot = plot_counts(
            times,
            raw,
            size=(max(72, round(0.24 * height)), width),
            smoothed=smooth,
            interval=None if interval is None else (lower, upper),
            limit=self.limit,
            span=(start, start + self._span),
            top=self._top,
        )
        picture = annotate_frame(
            frame.image,
            density,
            maximum=self.maximum,
            count=people,
            interval=interval,
            time=frame.time,
            zones=labels,
            scale=self._scale,
            alert=alert,
            plot=plot,
        )
        self._writer.write(picture, frame.time)
        return smoothed

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _scale_of(density: Tensor, image: Tensor) -> float:
    cell = image.shape[-2] * image.shape[-1] / density.numel()
    return max(1.5 * float(density.max()), cell / (2 * math.pi * _SPREAD**2))
