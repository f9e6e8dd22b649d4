"""Videos from files: every frame, in order, at its own time."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from crowdkit.counting.video._av import import_av, open_stream, public_name, reason, to_image, upright_size
from crowdkit.counting.video.frame import Clock, Frame, Ticks, Video
from crowdkit.errors import DataError

if TYPE_CHECKING:
    from av import VideoFrame


class VideoFile(Video):
    """The frames of a file, or of a whole file at an address.

    Times are those of the container, from the first frame on: right for variable frame rates too. Frames are turned
    as the container's rotation says. None is dropped however slowly they are fetched, and memory does not grow with
    the length. What cannot be decoded is left out and numbered in ``damaged``; where a file is cut off,
    ``trouble`` says so after the last frame.

    Args:
        path: The file, or the HTTP address of one.
        every: Seconds between frames, or a text such as ``"0.5s"``: the first frame at or after each multiple. Every
            frame if ``None``.

    Raises:
        DataError: If it is no video, or not one frame of it can be decoded.
        ArgumentError: If ``every`` is no time.
        MissingDependencyError: If PyAV is not installed.
    """

    def __init__(self, path: str | PathLike[str], *, every: float | str | None = None) -> None:
        self._ticks = Ticks(every)
        source = str(path)
        network = source.startswith(("http://", "https://"))
        if not network and not Path(source).is_file():
            what = "a folder" if Path(source).is_dir() else "no such file"
            raise DataError(f"{source}: expected a video, got {what}; check the path")
        self.name = public_name(source)
        self._container, self._stream = open_stream(source, network=network)
        self._stream.thread_type = "AUTO"
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate) if rate else None
        # Sound may go on longer than the pictures, where the container knows no length of theirs.
        self._slack = 0.5
        if self._stream.duration and self._stream.time_base:
            self.duration = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration:
            self.duration = self._container.duration / 1e6
            self._slack = 0.5 if len(self._container.streams) == 1 else 5.0
        self._clock = Clock(1 / (self.rate or 25.0))
        self._end = 0.0
        decoded = self._decode()
        first = next(decoded, None)
        if first is None:
            self.close()
            raise DataError(
                f"{self.name}: expected a video, got one of which no frame can be decoded; repair it"
            )
        self.size = upright_size(first)
        self._frames = self._choose(first, decoded)

    def __next__(self) -> Frame:
        """Return the next frame.

        Raises:
            StopIteration: After the last.
        """
        return next(self._frames)

    def close(self) -> None:
        """Close the file."""
        self._frames = iter(())
        self._container.close()

    def _choose(self, first: "VideoFrame", others: "Iterator[VideoFrame]") -> Iterator[Frame]:
        frame: VideoFrame | None = first
        while frame is not None:
            time, index = self._clock(frame.time), self.read
            self.read += 1
            self._end = time + self._clock.step
            if self._ticks.due(time):
                yield Frame(time, to_image(frame), index)
            frame = next(others, None)
        self._container.close()

    def _decode(self) -> "Iterator[VideoFrame]":
        av = import_av()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.error.FFmpegError, OSError) as error:
                self.trouble = (
                    f"{self.name}: damaged after {self._end:.1f} s ({reason(error)}); the rest is lost"
                )
                return
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, OSError):
                self.damaged += 1
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.damaged += 1
                else:
                    yield frame
        if self.duration is not None and self._end < self.duration - max(self._slack, 3 * self._clock.step):
            self.trouble = (
                f"{self.name}: cut off after {self._end:.1f} s of the {self.duration:.1f} s that it announces; the "
                "rest is lost"
            )
        elif self.damaged:
            self.trouble = f"{self.name}: {self.damaged} damaged frames were left out"
