"""Live sources over loopback: slower and faster than the reader, and dying twice."""

import re
import time
from itertools import pairwise

import pytest

from crowdkit.counting import LiveVideo, open_video
from crowdkit.counting.video._av import public_name
from crowdkit.errors import ArgumentError, DataError
from tests.counting.conftest import SIZE, number_of


def test_a_slow_reader_gets_the_newest_frame(mjpeg):
    address, server = mjpeg(200, pause=0.02)
    with open_video(address, live=True) as video:
        assert (video.live, video.size) == (True, SIZE)
        lags = []
        for frame in video:
            assert number_of(frame.image) == frame.number % 16
            lags.append(server.sent - frame.number)
            if len(lags) == 12:
                break
            time.sleep(0.15)
        # 0.15 s are seven frames; a queue would lag by eighty at the end.
        assert max(lags[2:]) <= 8
        assert video.dropped > 30
        assert video.dropped + len(lags) <= video.read <= video.dropped + len(lags) + 2


def test_a_fast_reader_loses_nothing(mjpeg):
    address, _ = mjpeg(60, pause=0.02)
    with LiveVideo(address, backlog=40, attempts=1, pause=0.05) as video:
        frames = [next(video) for _ in range(40)]
    assert [frame.number for frame in frames] == list(range(40))
    assert [number_of(frame.image) for frame in frames] == [number % 16 for number in range(40)]
    assert video.dropped == 0
    gaps = [two.time - one.time for one, two in pairwise(frames[5:])]
    assert sum(gaps) / len(gaps) == pytest.approx(0.02, abs=0.015)


def test_a_backlog_bounds_the_lag(mjpeg, patience):
    address, server = mjpeg(60, pause=0.005)
    with LiveVideo(address, backlog=10, attempts=1) as video:
        patience(lambda: server.sent == 60 and video.read == 60)
        frames = [next(video) for _ in range(10)]
    assert [frame.number for frame in frames] == list(range(50, 60))
    assert video.dropped == 50


def test_every_leaves_out_and_does_not_drop(mjpeg, patience):
    address, server = mjpeg(50, pause=0.02)
    with LiveVideo(address, every="200ms", backlog=50, attempts=1) as video:
        patience(lambda: server.sent == 50 and video.read == 50)
        times = [next(video).time for _ in range(4)]
    assert video.dropped == 0
    ticks = [int((each + 2e-3) / 0.2) for each in times]
    assert ticks[0] == 0
    assert len(set(ticks)) == 4


@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_mpeg_ts_faster_and_slower_than_the_reader(mpegts, seconds):
    address, _ = mpegts(100, seconds)
    seen = []
    with open_video(address, timeout=5) as video:
        while not seen or seen[-1].number < 70:
            seen.append(next(video))
            assert number_of(seen[-1].image) == seen[-1].number % 16
            time.sleep(0.03)
        assert video.size == SIZE
    indices = [frame.number for frame in seen]
    assert indices == sorted(indices)
    if seconds == 1.0:
        assert video.dropped > 20


def test_a_stream_that_dies_twice_comes_back(mjpeg):
    address, _ = mjpeg(6, 6, 200, pause=0.02)
    lines = []
    with LiveVideo(address, backlog=99, pause=0.05, report=lines.append) as video:
        frames = [next(video) for _ in range(30)]
    assert [frame.number for frame in frames] == list(range(30))
    assert [number_of(frame.image) for frame in frames] == [number % 16 for number in range(30)]
    assert video.losses == 2
    assert [frame.time for frame in frames] == sorted(frame.time for frame in frames)
    assert re.fullmatch(
        rf"{address}: stream lost \((it ended|input/output error)\); trying again in 0.05 s", lines[0]
    )
    assert lines[1].startswith(f"{address}: back after 0.")
    assert len(lines) == 4


def test_pauses_grow_and_the_end_is_said(mjpeg):
    address, server = mjpeg(5, pause=0.01)
    lines = []
    with LiveVideo(
        address, backlog=9, pause=0.02, longest_pause=0.05, attempts=4, report=lines.append
    ) as video:
        for _ in range(5):
            next(video)
        server.close()
        with pytest.raises(
            DataError, match=r"expected the stream to come back, got 4 failures in a row \(.*lost"
        ):
            next(video)
    assert [float(line.split()[-2]) for line in lines] == [0.02, 0.04, 0.05, 0.05]


def test_silence_counts_as_loss(serve):
    greeting = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
    server = serve(greeting, [[(b"", 20.0)]])
    start = time.monotonic()
    with pytest.raises(DataError, match="expected a video"):
        LiveVideo(f"http://127.0.0.1:{server.port}/", timeout=0.3)
    assert time.monotonic() - start < 5


def test_closing_ends_the_iteration(mjpeg):
    address, _ = mjpeg(500, pause=0.02)
    video = LiveVideo(address)
    next(video)
    video.close()
    assert list(video) == []


def test_what_cannot_be_opened_is_said_without_its_password():
    with pytest.raises(DataError, match=r"rtsp://127.0.0.1:9/live: expected a video, got") as caught:
        open_video("rtsp://admin:secret@127.0.0.1:9/live")
    assert "secret" not in str(caught.value)
    assert public_name("rtsp://a:b@c.d/e") == "rtsp://c.d/e"
    with pytest.raises(DataError, match=r"video99|^99"):
        open_video(99)


def test_a_file_at_an_address_is_a_file(clip, serve):
    data = clip("clip.mkv", frames=20).read_bytes()
    head = (
        f"HTTP/1.0 200 OK\r\nContent-Type: video/x-matroska\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    )
    server = serve(head, [[(data, 0.0)]] * 6)
    video = open_video(f"http://127.0.0.1:{server.port}/clip.mkv")
    assert not video.live
    assert [frame.number for frame in video] == list(range(20))


def test_an_address_does_not_lead_to_a_file(serve, clip):
    path = clip(frames=3)
    listing = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{path}\n#EXT-X-ENDLIST\n".encode()
    head = f"HTTP/1.0 200 OK\r\nContent-Type: application/x-mpegurl\r\nContent-Length: {len(listing)}\r\n\r\n".encode()
    server = serve(head, [[(listing, 0.0)]] * 3)
    with pytest.raises(DataError):
        open_video(f"http://127.0.0.1:{server.port}/list.m3u8", live=False)


@pytest.mark.parametrize("keywords", [{"backlog": 0}, {"attempts": True}, {"timeout": 0}, {"pause": "soon"}])
def test_bad_arguments(keywords):
    with pytest.raises(ArgumentError, match=f"^{next(iter(keywords))}: expected"):
        LiveVideo("tcp://127.0.0.1:9", **keywords)
