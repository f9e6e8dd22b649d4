"""One door to files, streams and cameras."""

import re
from collections.abc import Callable
from os import PathLike

from crowdkit.counting.video._av import open_stream
from crowdkit.counting.video.file import VideoFile
from crowdkit.counting.video.frame import Video
from crowdkit.counting.video.live import LiveVideo

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://")


def open_video(
    source: str | PathLike[str] | int,
    *,
    every: float | str | None = None,
    live: bool | None = None,
    backlog: int = 1,
    timeout: float | str = 10.0,
    report: Callable[[str], None] | None = None,
) -> Video:
    """Open a video file, a stream or a camera.

    Args:
        source: Path of a file, address of a stream or file, or the number of a camera.
        every: Seconds between frames, or a text such as ``"0.5s"``: the first frame at or after each multiple. Every
            frame if ``None``.
        live: Whether an HTTP address is a live stream. If ``None``, it is one if it announces no length, which is
            asked for in a request of its own.
        backlog: How many frames of a live source may wait; see :class:`LiveVideo`.
        timeout: Seconds without a frame after which a live source counts as lost.
        report: Called with a line of text when a live source is lost or comes back.

    Returns:
        The video: a :class:`VideoFile`, of which no frame is dropped, or a :class:`LiveVideo`.

    Raises:
        DataError: If the source cannot be opened or holds no video.
        ArgumentError: If a number is out of range.
        MissingDependencyError: If PyAV is not installed.
    """
    if live is None:
        live = _is_live(source)
    if live:
        where = source if isinstance(source, int) else str(source)
        return LiveVideo(where, every=every, backlog=backlog, timeout=timeout, report=report)
    return VideoFile(str(source), every=every)


def _is_live(source: str | PathLike[str] | int) -> bool:
    if isinstance(source, int):
        return True
    address = str(source)
    if not _ADDRESS.match(address):
        return False
    if not address.startswith(("http://", "https://")):
        return True
    container, _ = open_stream(address, network=True)
    with container:
        return not container.duration
