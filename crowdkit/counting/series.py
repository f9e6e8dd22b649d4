"""Zones over time: counts of many frames, and what becomes of each."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from crowdkit.counting.durations import parse_duration
from crowdkit.counting.ground import canvas
from crowdkit.data import Zone, fit_zone
from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.ops import check_map, check_stride, polygon_share


class ZoneCounter:
    """Count the people of many maps of one size in each of several zones.

    A cell that a zone's outline cuts counts by the share of its area inside, exactly; zones that partition the
    picture sum to its count. The shares are computed once.

    Args:
        zones: The zones, in pixels of the picture. They may overlap.
        size: Height and width of the picture.
        stride: Side of a cell of the maps in pixels.

    Raises:
        DataError: If a zone lies outside the picture.

    Examples:
        >>> import torch
        >>> from crowdkit.data import Zone
        >>> half = Zone("upper left", torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]]))
        >>> counter = ZoneCounter([half], (8, 8), stride=4)
        >>> counter(torch.ones(1, 1, 2, 2))
        {'upper left': 2.0}
    """

    def __init__(self, zones: Sequence[Zone], size: tuple[int, int], *, stride: int) -> None:
        check_stride(stride)
        self.size, self.stride = (int(size[0]), int(size[1])), stride
        self.zones = [fit_zone(zone, self.size) for zone in zones]
        cells = -(-self.size[0] // stride) * -(-self.size[1] // stride)
        shares = [
            polygon_share(zone.polygon.cpu(), self.size, stride=stride).flatten() for zone in self.zones
        ]
        self._shares = torch.stack(shares) if shares else torch.zeros(0, cells, dtype=torch.float64)

    def __call__(self, density: Tensor) -> dict[str, float]:
        """Return the people in each zone by name, of one map in people per cell, shape (1, 1, h, w)."""
        check_map("density", density)
        if len(density) != 1:
            raise ShapeError(
                f"density: expected one map, got {len(density)}; take one with density[index][None]"
            )
        canvas(density, self.stride, self.size)
        counts = self._shares @ density.detach().to("cpu", torch.float64).flatten()
        return dict(zip((zone.name for zone in self.zones), counts.tolist(), strict=True))


class CountStatistics:
    """Mean, largest, trend and time over a limit of a count that comes moment by moment.

    A count holds until the next one, so that a variable frame rate weighs no moment too much. A count that is NaN says
    that nothing is known until the next. Memory is that of the counts in ``window``.

    Args:
        limit: People over which time is summed up; none if ``None``.
        window: How far back the trend looks, in seconds or as a text such as ``"1min"``.
        longest_gap: How long a count may hold, in seconds or as a text; the time after that is unknown. However long if
            ``None``.

    Attributes:
        seconds: Time of which the count is known.
        last: The newest count, or NaN.
        largest: The largest count, or NaN.
        largest_at: When it was first reached, or NaN.
        time_over: Seconds with more than ``limit`` people.

    Raises:
        ArgumentError: If an argument is no time.

    Examples:
        >>> gate = CountStatistics(limit=12)
        >>> for time, count in [(0, 10), (1, 20), (3, 12)]:
        ...     gate.update(time, count)
        >>> gate.mean, gate.largest, gate.time_over, gate.seconds
        (16.666666666666668, 20.0, 2.0, 3.0)
    """

    def __init__(
        self,
        *,
        limit: float | None = None,
        window: float | str = "1min",
        longest_gap: float | str | None = None,
    ) -> None:
        if limit is not None and not math.isfinite(limit):
            raise ArgumentError(f"limit: expected a number of people or None, got {limit}")
        self.limit, self.window = limit, parse_duration(window, "window")
        self.longest_gap = math.inf if longest_gap is None else parse_duration(longest_gap, "longest_gap")
        self.seconds = self.time_over = self._sum = 0.0
        self.last = self.largest = self.largest_at = math.nan
        self._time: float | None = None
        self._recent: deque[tuple[float, float]] = deque()

    def update(self, time: float, count: float) -> None:
        """Take in a count.

        Args:
            time: Seconds, later than those of the count before.
            count: People, or NaN.

        Raises:
            ArgumentError: If ``time`` is not later than that of the count before.
        """
        if self._time is not None:
            if not time > self._time:
                raise ArgumentError(
                    f"time: expected seconds after {self._time:g}, got {time:g}; keep the order"
                )
            held = min(time - self._time, self.longest_gap)
            if not math.isnan(self.last):
                self.seconds += held
                self._sum += held * self.last
                if self.limit is not None and self.last > self.limit:
                    self.time_over += held
        self._time, self.last = time, float(count)
        if not math.isnan(count):
            if not self.largest >= count:
                self.largest, self.largest_at = float(count), time
            self._recent.append((time, float(count)))
        while self._recent and self._recent[0][0] < time - self.window:
            self._recent.popleft()

    @property
    def mean(self) -> float:
        """Mean over the known time; the last count before any time has passed."""
        return self._sum / self.seconds if self.seconds else self.last

    @property
    def trend(self) -> float:
        """People more per minute, by least squares over the window; NaN before there are two counts in it."""
        if len(self._recent) < 2:
            return math.nan
        times, counts = np.array(self._recent, dtype=np.float64).T
        times -= times.mean()
        return float(60 * (times @ counts) / (times @ times))

    def to_dict(self) -> dict[str, float | None]:
        """Return the figures by name, for JSON: ``None`` where one is not known."""
        figures = {
            "mean": self.mean,
            "largest": self.largest,
            "largest_at": self.largest_at,
            "trend_per_minute": self.trend,
            "seconds": self.seconds,
        }
        if self.limit is not None:
            figures |= {"limit": self.limit, "seconds_over_limit": self.time_over}
        return {name: None if math.isnan(value) else value for name, value in figures.items()}
