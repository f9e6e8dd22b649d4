"""Counts that flicker, smoothed by a filter that neither outliers nor trends lead astray."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crowdkit.counting.durations import parse_duration
from crowdkit.errors import ArgumentError, ShapeError

_MOST = 100  # moments in a fit: its cost grows with their square


class Smoother:
    r"""Smooth a count as it comes, by the repeated median of its last seconds.

    A line is fitted to the counts of the window, and read at its newest moment:

    .. math:: \beta = \operatorname{med}_i \operatorname{med}_{j \neq i} \frac{c_i - c_j}{t_i - t_j}, \qquad
        \hat c = \operatorname{med}_i \big( c_i - \beta (t_i - t) \big)

    Nearly half of the counts may be wild and move it little, and a steady rise passes without lag, where a moving
    average or median would come late by half its window. The result never leaves the range of the counts in the
    window. Only the past is used, so that it fits live sources; :func:`smooth` also looks ahead.

    Args:
        window: Length of the window in seconds, or a text such as ``"4s"``.

    Raises:
        ArgumentError: If ``window`` is no time.

    References:
        Siegel. *Robust Regression Using Repeated Medians*. Biometrika 1982. Davies, Fried and Gather. *Robust Signal
        Extraction for On-line Monitoring Data*. Journal of Statistical Planning and Inference 2004.

    Examples:
        >>> smoother = Smoother(window="4s")
        >>> [round(smoother.update(time, count), 1) for time, count in enumerate([10, 11, 12, 80, 14])]
        [10.0, 10.5, 12.0, 13.0, 14.0]
    """

    def __init__(self, window: float | str = "4s") -> None:
        self.window = parse_duration(window, "window")
        self._past: deque[tuple[float, float]] = deque()

    def update(self, time: float, count: float) -> float:
        """Take in a count and return the smoothed one; a count that is NaN is passed over.

        Args:
            time: Seconds, later than those of the count before.
            count: People.

        Returns:
            The smoothed count; NaN while there is none.

        Raises:
            ArgumentError: If ``time`` is not later than that of the count before.
        """
        if self._past and not time > self._past[-1][0]:
            raise ArgumentError(
                f"time: expected seconds after {self._past[-1][0]:g}, got {time:g}; keep the order"
            )
        if count == count:
            self._past.append((time, count))
        while self._past and self._past[0][0] < time - self.window:
            self._past.popleft()
        if not self._past:
            return float("nan")
        times, counts = np.array(self._past, dtype=np.float64).T
        return _level(times, counts, time)


def smooth(
    times: Sequence[float] | NDArray[np.float64],
    counts: Sequence[float] | NDArray[np.float64],
    *,
    window: float | str = "4s",
    causal: bool = False,
) -> NDArray[np.float64]:
    """Smooth a whole series of counts, as :class:`Smoother` does.

    Args:
        times: Seconds, rising, N of them.
        counts: People, N of them.
        window: Length of the window in seconds, or a text such as ``"4s"``.
        causal: Use only the past, as :class:`Smoother` does. Otherwise the window is centered, which is smoother still.

    Returns:
        Smoothed counts, shape (N,).

    Raises:
        ShapeError: If the lengths differ.
        ArgumentError: If times do not rise, or ``window`` is no time.

    Examples:
        >>> smooth([0, 1, 2, 3, 4], [10, 11, 12, 80, 14], window=4)
        array([10., 11., 12., 13., 14.])
    """
    when, people = np.asarray(times, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    if when.ndim != 1 or when.shape != people.shape:
        raise ShapeError(
            f"times, counts: expected two series of one length, got {when.shape} and {people.shape}"
        )
    length = parse_duration(window, "window")
    if causal:
        smoother = Smoother(length)
        return np.array([smoother.update(*pair) for pair in zip(when.tolist(), people.tolist(), strict=True)])
    if (np.diff(when) <= 0).any():
        raise ArgumentError("times: expected seconds that rise, got some that do not; sort them")
    known = ~np.isnan(people)
    when_known, people_known = when[known], people[known]
    first = np.searchsorted(when_known, when - length / 2, side="left")
    last = np.searchsorted(when_known, when + length / 2, side="right")
    return np.array(
        [
            _level(when_known[a:b], people_known[a:b], t) if b > a else np.nan
            for a, b, t in zip(first, last, when, strict=True)
        ]
    )


def _level(times: NDArray[np.float64], counts: NDArray[np.float64], now: float) -> float:
    """Read the repeated median line of some counts at a time."""
    if len(times) > _MOST:
        kept = np.unique(np.linspace(0, len(times) - 1, _MOST).round().astype(int))
        times, counts = times[kept], counts[kept]
    if len(times) < 3:
        return float(np.median(counts))
    apart = times[:, None] - times
    np.fill_diagonal(apart, 1.0)
    slopes = (counts[:, None] - counts) / apart
    # The diagonal is no slope: leave it out of each row.
    others = slopes[~np.eye(len(times), dtype=bool)].reshape(len(times), -1)
    slope = np.median(np.median(others, axis=1))
    level = np.median(counts - slope * (times - now))
    return float(np.clip(level, counts.min(), counts.max()))
