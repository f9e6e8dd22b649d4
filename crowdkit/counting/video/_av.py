"""PyAV where it is used, and its errors in words."""

import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from crowdkit.errors import DataError, MissingDependencyError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

# What an address may lead to, through redirects and playlists too: never to a file.
_NETWORK = "http,https,httpproxy,tcp,tls,crypto,udp,rtp,srtp,rtsp,rtmp,rtmps,rtmpt,srt,hls"
_LOCAL = "file,crypto,data"


def import_av() -> ModuleType:
    """Import PyAV.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError(
            f"av: expected PyAV, which reads and writes video, got {error}; pip install 'crowdkit[video]'"
        ) from error
    return av


def public_name(source: str) -> str:
    """Take user and password out of an address."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", source)


def open_stream(
    source: str,
    *,
    network: bool,
    form: str | None = None,
    options: dict[str, str] | None = None,
    timeout: float | None = None,
) -> "tuple[InputContainer, VideoStream]":
    """Open a container and choose its first video stream.

    Raises:
        DataError: If it cannot be opened or holds no video.
    """
    av, name = import_av(), public_name(source)
    given = {"protocol_whitelist": _NETWORK if network else _LOCAL} if form is None else {}
    try:
        # A colon in a path would be taken for a protocol.
        where = source if network or form else f"file:{source}"
        container = av.open(where, format=form, options={**given, **(options or {})}, timeout=timeout)
    except av.error.InvalidDataError as error:
        raise DataError(
            f"{name}: expected a video, got nothing that can be decoded; a video cut off before its index was written "
            "cannot be read without repair"
        ) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise DataError(
            f"{name}: expected a video, got {reason(error)}; check the path or address"
        ) from error
    if not container.streams.video:
        container.close()
        raise DataError(
            f"{name}: expected a video, got a file without pictures; check that it is the right one"
        )
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        container.close()
        raise DataError(f"{name}: expected a video, got a single picture; count it as a picture")
    return container, container.streams.video[0]


def reason(error: Exception) -> str:
    """Say what FFmpeg says, without its numbers."""
    return str(getattr(error, "strerror", None) or error).lower()


def to_image(frame: "VideoFrame") -> Tensor:
    """Turn a frame upright and into RGB in [0, 1], shape (3, H, W), float32."""
    pixels: Any = frame.to_ndarray(format="rgb24")
    upright = torch.from_numpy(pixels).rot90(quarter_turns(frame))
    return upright.permute(2, 0, 1).to(torch.float32).div_(255).contiguous()


def quarter_turns(frame: "VideoFrame") -> int:
    """Return how often a frame is to be turned counterclockwise to stand upright."""
    return round(frame.rotation / 90) % 4


def upright_size(frame: "VideoFrame") -> tuple[int, int]:
    """Return height and width of a frame once it stands upright."""
    sides = (frame.height, frame.width)
    return sides[::-1] if quarter_turns(frame) % 2 else sides
