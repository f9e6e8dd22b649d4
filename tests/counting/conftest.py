"""Clips and live sources whose frames say their number, and hurry as tests want them to."""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from crowdkit.counting import VideoWriter

SIZE = (64, 96)


def numbered(number: int) -> Tensor:
    """A gray picture, 16 grays apart from the next: what compression does to it is far less."""
    return torch.full((3, *SIZE), (16 * (number % 16) + 8) / 255)


def number_of(image: Tensor) -> int:
    return int(image.mean() * 255) // 16


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    def write(
        name: str = "clip.mp4", *, frames: int = 40, rate: float = 25.0, times: list[float] | None = None
    ) -> Path:
        with VideoWriter(tmp_path / name, rate=rate) as writer:
            for number in range(len(times) if times else frames):
                writer.write(numbered(number), times[number] if times else None)
        return tmp_path / name

    return write


def _jpeg(number: int) -> bytes:
    file = io.BytesIO()
    shade = 16 * (number % 16) + 8
    Image.new("RGB", SIZE[::-1], (shade, shade, shade)).save(file, "JPEG", quality=95)
    data = file.getvalue()
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data + b"\r\n"


class Server:
    """Serve one connection after the other over loopback: a list of (bytes, pause before it) each."""

    def __init__(self, greeting: bytes, connections: list[list[tuple[bytes, float]]]) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)  # closing a socket does not wake who waits for it
        self.port = self._socket.getsockname()[1]
        self._greeting, self._connections = greeting, connections
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for parts in self._connections:
            connection = self._accept()
            if connection is None:
                return
            with connection:
                try:
                    if self._greeting:
                        connection.recv(4096)
                        connection.sendall(self._greeting)
                    for data, pause in parts:
                        if self._stop.wait(pause):
                            return
                        connection.sendall(data)
                        self.sent += 1
                except OSError:
                    continue
        self._socket.close()  # who comes now is refused

    def _accept(self) -> socket.socket | None:
        while not self._stop.is_set():
            try:
                connection = self._socket.accept()[0]
            except TimeoutError:
                continue
            connection.settimeout(5)
            return connection
        return None

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(greeting: bytes, connections: list[list[tuple[bytes, float]]]) -> Server:
        servers.append(Server(greeting, connections))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def mjpeg(serve: Callable[..., Server]) -> Callable[..., tuple[str, Server]]:
    """A camera over HTTP: how many frames each connection sends, and seconds between them."""
    greeting = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"

    def start(*lengths: int, pause: float) -> tuple[str, Server]:
        first, connections = 0, []
        for length in lengths:
            connections.append([(_jpeg(first + number), pause) for number in range(length)])
            first += length
        server = serve(greeting, connections)
        return f"http://127.0.0.1:{server.port}/camera", server

    return start


@pytest.fixture
def mpegts(serve: Callable[..., Server], clip: Callable[..., Path]) -> Callable[..., tuple[str, Server]]:
    """An MPEG-TS stream over TCP of ``frames`` frames in ``seconds``."""

    def start(frames: int, seconds: float) -> tuple[str, Server]:
        data = clip("stream.ts", frames=frames).read_bytes()
        packets = [data[at : at + 188] for at in range(0, len(data), 188)]
        server = serve(b"", [[(packet, seconds / len(packets)) for packet in packets]])
        return f"tcp://127.0.0.1:{server.port}", server

    return start


@pytest.fixture
def patience() -> Callable[[Callable[[], bool]], None]:
    def wait(until: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)

    return wait
