"""What every video gives, file or camera: frames with their times."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple, Self

from torch import Tensor

from crowdkit.counting.durations import parse_duration

# The finest time that some containers keep (Matroska): a frame at 0.333 is the first at or after 1/3.
_TOLERANCE = 1e-3


class Frame(NamedTuple):
    """One frame.

    Attributes:
        time: Seconds since the first frame of the source.
        image: Upright RGB in [0, 1], shape (3, H, W), float32.
        number: Number of the frame in the source; those left out count too.
    """

    time: float
    image: Tensor
    number: int


class Video(Iterator[Frame]):
    """Frames one by one; also a context manager, which closes the source.

    Attributes:
        name: Path or address, without a password.
        size: Height and width of the upright picture.
        rate: Frames a second on average, as the container says, or ``None``.
        duration: Length in seconds, as the container says, or ``None``.
        live: Whether frames that nobody fetches in time are lost.
        read: Frames decoded so far.
        dropped: Frames lost so far since they were not fetched in time; 0 for files.
        damaged: Frames and packets so far that could not be decoded.
        trouble: What went wrong with the source last, in words, or ``None``.
    """

    name: str
    size: tuple[int, int]
    rate: float | None = None
    duration: float | None = None
    live: bool = False
    read: int = 0
    dropped: int = 0
    damaged: int = 0
    trouble: str | None = None

    @abstractmethod
    def close(self) -> None:
        """Let go of the source; there are no frames after that."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Ticks:
    """Choose the first frame at or after each tick of a clock.

    Args:
        every: Seconds between ticks, or a text as :func:`parse_duration` takes it; every frame if ``None``.
    """

    def __init__(self, every: float | str | None) -> None:
        self.every = None if every is None else parse_duration(every, "every")
        self._next = 0.0

    def due(self, time: float) -> bool:
        """Say whether the frame at a time is the first since a tick; times must not fall."""
        if self.every is None:
            return True
        early = time + min(_TOLERANCE, self.every / 4)
        if early < self._next:
            return False
        self._next = (math.floor(early / self.every) + 1) * self.every
        return True


class Clock:
    """Turn the timestamps of a container into seconds since the first frame, which never fall.

    Args:
        step: Seconds between frames, for those without a timestamp and where timestamps start anew.
    """

    def __init__(self, step: float) -> None:
        self.step = step
        self._origin: float | None = None
        self._last = -step

    def __call__(self, stamp: float | None) -> float:
        """Return the time of the next frame."""
        if stamp is not None and self._origin is None:
            self._origin = stamp - (self._last + self.step)
        time = self._last + self.step if stamp is None or self._origin is None else stamp - self._origin
        if stamp is not None and time < self._last:  # joined files
            time = self._last + self.step
            self._origin = stamp - time
        self._last = time
        return time
