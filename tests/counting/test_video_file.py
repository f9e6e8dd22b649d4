"""Files: every frame at its own time, turned upright, whatever is damaged."""

import gc
import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from PIL import Image

from crowdkit.counting import VideoFile, VideoWriter, open_video, parse_duration
from crowdkit.counting.video.frame import Clock, Ticks
from crowdkit.errors import ArgumentError, DataError, MissingDependencyError, ShapeError
from tests.counting.conftest import SIZE, number_of, numbered


def test_every_frame_in_order_at_its_time(clip):
    video = open_video(clip(frames=40, rate=25.0))
    assert (video.live, video.size, video.rate) == (False, SIZE, 25.0)
    assert video.duration == pytest.approx(1.6, abs=0.05)
    frames = list(video)
    assert [frame.number for frame in frames] == list(range(40))
    assert [number_of(frame.image) for frame in frames] == [number % 16 for number in range(40)]
    assert [frame.time for frame in frames] == pytest.approx([number / 25 for number in range(40)], abs=1e-4)
    assert frames[0].image.shape == (3, *SIZE)
    assert frames[0].image.dtype == torch.float32
    assert (video.read, video.dropped, video.damaged, video.trouble) == (40, 0, 0, None)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_a_variable_frame_rate_keeps_its_times(clip, name):
    times = [0.0, 0.1, 0.15, 0.9, 1.0, 1.01, 2.5]
    found = [frame.time for frame in VideoFile(clip(name, times=times))]
    assert found == pytest.approx(times, abs=1.1e-3)  # Matroska keeps milliseconds


def test_colors_survive(tmp_path):
    colors = torch.tensor([[0.8, 0.2, 0.3], [0.1, 0.7, 0.2], [0.2, 0.3, 0.9], [1.0, 1.0, 1.0]])
    with VideoWriter(tmp_path / "colors.mp4") as writer:
        for color in colors:
            writer.write(color[:, None, None].expand(3, 48, 64))
    found = torch.stack([frame.image.mean(dim=(1, 2)) for frame in VideoFile(tmp_path / "colors.mp4")])
    assert (found - colors).abs().max() < 0.025


def test_every_means_time(clip):
    # 29.97 frames a second: every half second is not every 15th frame for long.
    path = clip(frames=200, rate=30000 / 1001)
    found = list(VideoFile(path, every="0.5s"))
    step = Fraction(1001, 30000)
    first = [min(n for n in range(200) if n * step >= Fraction(tick, 2)) for tick in range(14)]
    assert [frame.number for frame in found] == first
    assert first[-1] != 13 * 15 - 1
    assert [frame.time for frame in found] == pytest.approx([float(n * step) for n in first], abs=1e-4)
    assert VideoFile(path, every=0.5).read == 0


def test_every_takes_the_first_frame_after_a_gap(clip):
    path = clip(times=[0.0, 0.2, 0.4, 1.7, 1.9, 2.0, 2.3])
    assert [frame.number for frame in VideoFile(path, every="500ms")] == [0, 3, 5]


def test_ticks_forgive_what_a_container_rounds():
    ticks = Ticks(1 / 3)
    assert [ticks.due(time) for time in (0.0, 0.333, 0.4, 0.667, 1.0)] == [True, True, False, True, True]


def test_times_never_fall():
    clock = Clock(0.04)
    assert [round(clock(stamp), 2) for stamp in (9.0, 9.04, None, 9.12, 1.0, 1.04)] == [
        0,
        0.04,
        0.08,
        0.12,
        0.16,
        0.2,
    ]


def test_a_portrait_clip_stands_upright(tmp_path):
    # White above, black below; then the file says: turn a quarter clockwise, as phones do.
    picture = torch.zeros(3, 48, 64)
    picture[:, :24] = 1
    path = tmp_path / "phone.mp4"
    with VideoWriter(path) as writer:
        for _ in range(5):
            writer.write(picture)
    data = path.read_bytes()
    matrix = data.index(b"tkhd") + 4 + 40
    clockwise = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:matrix] + clockwise + data[matrix + 36 :])
    video = VideoFile(path)
    assert video.size == (64, 48)
    image = next(video).image
    assert image.shape == (3, 64, 48)
    assert image[:, :, 26:].mean() > 0.95
    assert image[:, :, :22].mean() < 0.05


def test_odd_sides(tmp_path):
    with VideoWriter(tmp_path / "odd.mp4") as writer:
        writer.write(torch.rand(3, 47, 63))
    assert VideoFile(tmp_path / "odd.mp4").size == (48, 64)


def faststart(source: Path, target: Path) -> None:
    """Put the index first, as for the web."""
    with av.open(str(source)) as old, av.open(str(target), "w", options={"movflags": "faststart"}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_damaged_tail_is_read_as_far_as_it_goes(clip, tmp_path, name):
    path = clip(name, frames=200)
    if name == "clip.mp4":
        faststart(path, tmp_path / "web.mp4")
        path = tmp_path / "web.mp4"
    data = path.read_bytes()
    start = max(0, data.find(b"mdat"))
    path.write_bytes(data[: start + int(0.6 * (len(data) - start))])
    video = VideoFile(path)
    frames = list(video)
    assert 50 < len(frames) < 190
    assert [number_of(frame.image) for frame in frames[:40]] == [number % 16 for number in range(40)]
    assert "the rest is lost" in video.trouble
    assert str(path) in video.trouble


def test_a_damaged_middle_does_not_end_it(clip):
    path = clip("clip.ts", frames=600)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 188 * 188
    data[middle : middle + 188 * 4] = bytes(188 * 4)
    path.write_bytes(data)
    frames = list(VideoFile(path))
    assert len(frames) > 400
    assert frames[-1].time == pytest.approx(599 / 25, abs=0.3)


def test_without_its_index(clip):
    path = clip(frames=100)
    path.write_bytes(path.read_bytes()[:-2500])
    with pytest.raises(DataError, match="cut off before its index was written"):
        VideoFile(path)


def test_what_is_no_video_is_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        open_video(tmp_path / "none.mp4")
    with pytest.raises(DataError, match="a folder"):
        open_video(tmp_path)
    (tmp_path / "text.mp4").write_text("not a video " * 100)
    with pytest.raises(DataError, match="expected a video, got nothing that can be decoded"):
        open_video(tmp_path / "text.mp4")
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.jpg")
    with pytest.raises(DataError, match="a single picture"):
        open_video(tmp_path / "photo.jpg")
    with av.open(str(tmp_path / "sound.wav"), "w") as sound:
        stream = sound.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.planes[0].update(bytes(1600))
        frame.rate = 8000
        sound.mux(stream.encode(frame))
    with pytest.raises(DataError, match="a file without pictures"):
        open_video(tmp_path / "sound.wav")
    with pytest.raises(ArgumentError, match="every: expected a time"):
        open_video(tmp_path / "none.mp4", every="often")


def test_a_playlist_does_not_lead_to_the_network(tmp_path):
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(DataError):
        VideoFile(tmp_path / "list.m3u8")


def test_a_colon_in_a_name_is_no_protocol(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip("clip.mp4", frames=3).rename(tmp_path / "12:30.mp4")
    assert len(list(VideoFile("12:30.mp4"))) == 3


def test_without_pyav(clip, monkeypatch):
    path = clip(frames=2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'crowdkit\[video\]'"):
        VideoFile(path)


def test_closing(clip):
    with VideoFile(clip(frames=10)) as video:
        next(video)
    assert list(video) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path):
    path = tmp_path / "hour.mp4"
    with VideoWriter(path, rate=0.5) as writer:
        for number in range(1800):
            writer.write(numbered(number))
    held = {}
    for frame in VideoFile(path):
        if frame.number in (300, 900, 1799):
            gc.collect()
            held[frame.number] = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
    assert frame.time == pytest.approx(3598)
    assert held[1799] - held[300] < 8
    assert held[900] - held[300] < 8


def test_the_writer_refuses_in_words(tmp_path):
    with pytest.raises(DataError, match="expected a file to write to"):
        VideoWriter(tmp_path / "none" / "clip.mp4")
    with pytest.raises(
        ArgumentError, match=r"expected a video's ending such as .mp4 or .mkv, got 'clip.nothing'"
    ):
        VideoWriter(tmp_path / "clip.nothing")
    with pytest.raises(ArgumentError, match="rate"):
        VideoWriter(tmp_path / "clip.mp4", rate=0)
    with VideoWriter(tmp_path / "clip.mp4") as writer:
        writer.write(numbered(0), 1.0)
        with pytest.raises(ArgumentError, match="time: expected seconds after 1, got 1"):
            writer.write(numbered(1), 1.0)
        with pytest.raises(ShapeError, match="image: expected the size of the first"):
            writer.write(torch.zeros(3, 20, 20))
    writer.close()


@pytest.mark.parametrize("text", ["", "5 d", "-1s", "0", "1.2.3s", float("nan"), 0, float("inf")])
def test_bad_durations(text):
    with pytest.raises(ArgumentError, match="duration: expected a time such as"):
        parse_duration(text)
