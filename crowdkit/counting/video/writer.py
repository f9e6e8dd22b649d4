"""Videos to files."""

from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from torch import Tensor

from crowdkit.counting.video._av import import_av, reason
from crowdkit.errors import ArgumentError, DataError, ShapeError
from crowdkit.pictures import to_pil

if TYPE_CHECKING:
    from PIL.Image import Image

_TICKS = 90_000  # of the clock, a second: what MPEG-TS has, and whole for every common frame rate
_BT709 = 1


class VideoWriter:
    """Write pictures to an H.264 file, each with its own time; a context manager, which finishes the file.

    The file is created at once, so that a place that cannot be written to is known before the work. Odd sides are
    made even, as H.264 wants it, by repeating the last row or column.

    Args:
        path: The file; the ending says the container (``.mp4``, ``.mkv``, ``.ts``).
        rate: Frames a second: of pictures without a time, and what the container announces.
        quality: x264's CRF, 0 (all) to 51 (little).

    Raises:
        DataError: If the file cannot be written.
        ArgumentError: If the ending names no container for H.264, or a number is out of range.
        MissingDependencyError: If PyAV is not installed.

    Examples:
        >>> import torch
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from crowdkit.counting import VideoFile
        >>> with TemporaryDirectory() as folder:
        ...     with VideoWriter(Path(folder) / "clip.mp4", rate=10) as writer:
        ...         for shade in (0.2, 0.5, 0.8):
        ...             writer.write(torch.full((3, 48, 64), shade))
        ...     [round(frame.time, 2) for frame in VideoFile(Path(folder) / "clip.mp4")]
        [0.0, 0.1, 0.2]
    """

    def __init__(self, path: str | PathLike[str], *, rate: float = 25.0, quality: int = 20) -> None:
        if not 0 < rate <= 1000:
            raise ArgumentError(f"rate: expected frames a second, more than 0 and at most 1000, got {rate}")
        if not 0 <= quality <= 51:
            raise ArgumentError(f"quality: expected 0 (best) to 51, got {quality}")
        av, self.path = import_av(), Path(path)
        try:
            self.path.open("wb").close()  # FFmpeg opens it with the first picture
            self._container = av.open(str(self.path), "w")
        except ValueError as error:
            raise ArgumentError(
                f"path: expected a video's ending such as .mp4 or .mkv, got {self.path.name!r}"
            ) from error
        except (av.error.FFmpegError, OSError) as error:
            raise DataError(
                f"{self.path}: expected a file to write to, got {reason(error)}; choose another"
            ) from error
        self.rate = Fraction(rate).limit_denominator(1001)
        try:
            self._stream: Any = self._container.add_stream("h264", rate=self.rate)
        except (av.error.FFmpegError, ValueError) as error:
            self._container.close()
            raise ArgumentError(
                f"path: expected a container for H.264 such as .mp4, got {self.path.name!r}"
            ) from error
        self._stream.pix_fmt, self._stream.options = "yuv420p", {"crf": str(quality), "preset": "veryfast"}
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        # What players take for granted in large pictures, and what older decoders do not assume.
        self._stream.codec_context.color_range = 1
        for name in ("color_primaries", "color_trc", "colorspace"):
            setattr(self._stream.codec_context, name, _BT709)
        self._size: tuple[int, int] | None = None
        self._last, self._open = -1, True

    def write(self, image: "Tensor | Image", time: float | None = None) -> None:
        """Write a picture.

        Args:
            image: As :func:`~crowdkit.pictures.to_pil` takes it; all of one size.
            time: When it is shown, in seconds; one frame after the last if ``None``.

        Raises:
            ShapeError: If the size differs from that of the first.
            ArgumentError: If ``time`` is not later than that of the picture before.
        """
        av, pixels = import_av(), np.asarray(to_pil(image))
        height, width = pixels.shape[:2]
        if self._size is None:
            self._size = (height, width)
            self._stream.height, self._stream.width = height + height % 2, width + width % 2
        if (height, width) != self._size:
            raise ShapeError(
                f"image: expected the size of the first, {self._size}, got {(height, width)}; resize it"
            )
        step = max(1, round(_TICKS / self.rate))
        stamp = (self._last + step if self._last >= 0 else 0) if time is None else round(time * _TICKS)
        if stamp <= self._last or stamp < 0:
            raise ArgumentError(
                f"time: expected seconds after {max(self._last, 0) / _TICKS:g}, got {time}; write frames in order"
            )
        self._last = stamp
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(even, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = stamp, Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is left, and the index."""
        if self._open:
            self._open = False
            if self._size is not None:
                self._container.mux(self._stream.encode())
            self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
