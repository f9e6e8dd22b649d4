"""Cameras and streams: frames as they come, for a reader who may be slower."""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from crowdkit.counting.durations import parse_duration
from crowdkit.counting.video._av import import_av, open_stream, public_name, reason, to_image, upright_size
from crowdkit.counting.video.frame import Frame, Ticks, Video
from crowdkit.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_GROWTH = 2.0  # of the pause, from one try to the next


class LiveVideo(Video):
    """The frames of a camera or stream, decoded by a thread of its own.

    At most ``backlog`` frames wait to be fetched; when one more comes, the oldest is dropped and numbered in
    ``dropped``. So the lag is bounded: with 1, each frame fetched is the newest; with 50, a reader may fall two
    seconds behind a camera of 25 frames a second before a frame is lost. A frame's time is that of its arrival.

    A stream that ends, breaks, or sends nothing for ``timeout`` is opened again after a pause, which doubles with
    each failure in a row. What happens is reported, and the last of it stands in ``trouble``.

    Args:
        source: Address (RTSP, RTMP, SRT, HTTP, TCP, UDP), or the number of a camera of this machine.
        every: Seconds between frames, or a text such as ``"0.5s"``. Frames between are left out, not dropped.
        backlog: How many frames may wait.
        timeout: Seconds without a frame after which the stream counts as lost.
        attempts: Failures in a row after which to give up.
        pause: Seconds before the first try to open a lost stream again.
        longest_pause: Seconds that a pause grows to at most.
        report: Called with a line of text when the stream is lost, comes back or cannot be opened, from the thread
            that reads it.
        options: Options for FFmpeg. RTSP goes over TCP unless they say otherwise.

    Attributes:
        started: When the first frame came, in seconds since 1970.
        losses: How often the stream was lost.

    Raises:
        DataError: If the source cannot be opened at first.
        ArgumentError: If a number is out of range.
        MissingDependencyError: If PyAV is not installed.
    """

    live = True

    def __init__(
        self,
        source: str | int,
        *,
        every: float | str | None = None,
        backlog: int = 1,
        timeout: float | str = 10.0,
        attempts: int = 10,
        pause: float | str = 1.0,
        longest_pause: float | str = 60.0,
        report: Callable[[str], None] | None = None,
        options: dict[str, str] | None = None,
    ) -> None:
        for name, number in (("backlog", backlog), ("attempts", attempts)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ArgumentError(f"{name}: expected a whole number >= 1, got {number!r}")
        self.name = f"camera {source}" if isinstance(source, int) else public_name(source)
        self.losses, self.started = 0, time.time()
        self._source, self._options = source, options or {}
        self._timeout = parse_duration(timeout, "timeout")
        self._pause, self._longest = (
            parse_duration(pause, "pause"),
            parse_duration(longest_pause, "longest_pause"),
        )
        self._attempts, self._report = attempts, report
        self._ticks = Ticks(every)
        self._waiting: deque[tuple[float, int, VideoFrame]] = deque()
        self._backlog = backlog
        self._changed, self._closed, self._given_up = threading.Condition(), threading.Event(), False
        self._zero: float | None = None
        opened = self._open()
        rate = opened[1].average_rate
        self.rate = float(rate) if rate else None
        self.size = (opened[1].height, opened[1].width)
        self._thread = threading.Thread(target=self._watch, args=opened, name=self.name, daemon=True)
        self._thread.start()

    def __next__(self) -> Frame:
        """Wait for the next frame.

        Raises:
            StopIteration: If the video was closed.
            DataError: If the stream was lost for good.
        """
        with self._changed:
            while self._closed.is_set() or not self._waiting:
                if self._closed.is_set():
                    raise StopIteration
                if self._given_up:
                    raise DataError(
                        f"{self.name}: expected the stream to come back, got {self._attempts} failures in a row "
                        f"({self.trouble}); check the camera and the network"
                    )
                self._changed.wait(0.5)
            when, index, frame = self._waiting.popleft()
        self.size = upright_size(frame)
        return Frame(when, to_image(frame), index)

    def close(self) -> None:
        """Stop reading; a source that sends nothing is let go once its timeout is over."""
        self._closed.set()
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(1.0)

    def _open(self) -> "tuple[InputContainer, VideoStream]":
        if isinstance(self._source, int):
            address, form = _camera(self._source)
            found = open_stream(
                address, network=False, form=form, options=self._options, timeout=self._timeout
            )
        else:
            options = self._options
            if self._source.startswith("rtsp://"):
                options = {"rtsp_transport": "tcp", **options}
            found = open_stream(self._source, network=True, options=options, timeout=self._timeout)
        found[1].thread_type = "SLICE"  # threads of frames would hold some back
        return found

    def _watch(self, container: "InputContainer", stream: "VideoStream") -> None:
        """Read until closed, and open the stream again whenever it is lost."""
        opened: tuple[InputContainer, VideoStream] | None = (container, stream)
        failures, pause, lost = 0, self._pause, time.monotonic()
        while not self._closed.is_set():
            before = self.read
            if opened is not None:
                why = self._receive(*opened)
                if self.read > before:
                    failures, pause = 0, self._pause
                lost = time.monotonic()
            if self._closed.is_set():
                break
            self.losses += opened is not None
            failures += 1
            if failures > self._attempts:
                break
            self._tell(f"{self.name}: stream lost ({why}); trying again in {pause:g} s")
            if self._closed.wait(pause):
                break
            pause = min(_GROWTH * pause, self._longest)
            try:
                opened = self._open()
                self._tell(f"{self.name}: back after {time.monotonic() - lost:.1f} s")
            except DataError as error:
                opened, why = None, str(error)
        with self._changed:
            self._given_up = True
            self._changed.notify_all()

    def _receive(self, container: "InputContainer", stream: "VideoStream") -> str:
        """Put frames in the queue until the stream ends; say why it did."""
        av = import_av()
        try:
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    self.damaged += 1
                    continue
                for frame in frames:
                    if frame.is_corrupt:
                        self.damaged += 1
                    else:
                        self._put(frame)
                if self._closed.is_set():
                    return "closed"
        except (av.error.FFmpegError, OSError) as error:
            return reason(error)
        finally:
            container.close()
        return "it ended"

    def _put(self, frame: "VideoFrame") -> None:
        now = time.monotonic()
        if self._zero is None:
            self._zero, self.started = now, time.time()
        index = self.read
        self.read += 1
        if not self._ticks.due(now - self._zero):
            return
        with self._changed:
            if len(self._waiting) == self._backlog:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append((now - self._zero, index, frame))
            self._changed.notify_all()

    def _tell(self, line: str) -> None:
        self.trouble = line
        if self._report is not None:
            self._report(line)


def _camera(number: int) -> tuple[str, str]:
    """Return address and format of a camera of this machine."""
    if number < 0:
        raise ArgumentError(f"source: expected the number of a camera, 0 or more, got {number}")
    if sys.platform == "darwin":
        return str(number), "avfoundation"
    if sys.platform.startswith("linux"):
        return f"/dev/video{number}", "v4l2"
    raise ArgumentError(
        f"source: expected the address of a stream on {sys.platform}, got camera {number}; cameras by number are "
        "read on Linux and macOS"
    )
