"""From walkers through a real file to an annotated one: what is counted is what is there."""

import numpy as np
import pytest
import torch

from crowdkit.counting import AnnotatedVideo, Frame, Ground, VideoFile, VideoWriter, ZoneCounter
from crowdkit.data import WalkingCrowd, Zone
from crowdkit.errors import ArgumentError, DataError
from crowdkit.pictures import annotate_frame
from crowdkit.targets import density_map

SIZE = (180, 320)


@pytest.fixture(scope="module")
def crowd() -> WalkingCrowd:
    return WalkingCrowd(size=SIZE, people=(30, 60), seed=5)


def test_walkers_through_a_file(tmp_path, crowd):
    path = tmp_path / "walkers.mp4"
    with VideoWriter(path, rate=10) as writer:
        for time, image in crowd.frames(2.0, rate=10, start=20.0):
            writer.write(image, time)
    ground = Ground(crowd.homography(height=1.55))
    halves = [
        Zone(
            "left",
            torch.tensor([[0.0, 0.0], [130.0, 0.0], [190.0, 180.0], [0.0, 180.0]], dtype=torch.float64),
        ),
        Zone(
            "right",
            torch.tensor([[130.0, 0.0], [320.0, 0.0], [320.0, 180.0], [190.0, 180.0]], dtype=torch.float64),
        ),
    ]
    counter = ZoneCounter(halves, SIZE, stride=8)
    video = VideoFile(path, every="0.5s")
    times = []
    for frame in video:
        walkers = crowd.at(20.0 + frame.time)
        assert (frame.image - crowd.frame(20.0 + frame.time)).abs().mean() < 0.04
        density = density_map(walkers.points, SIZE, sigma=3.0, stride=8)[None, None]
        counts = counter(density)
        assert sum(counts.values()) == pytest.approx(len(walkers.points), abs=1e-4)
        assert sum(counts.values()) == pytest.approx(float(density.double().sum()), abs=1e-6)
        # Where the heads are on the ground, to the difference that their height makes.
        found = ground.to_meters(walkers.points).float()
        error = (found - walkers.ground).norm(dim=1) / walkers.ground.norm(dim=1)
        assert error.max() < 0.035
        times.append(frame.time)
    assert times == pytest.approx([0.0, 0.5, 1.0, 1.5], abs=1e-4)


def test_an_annotated_video_keeps_times_and_grows_by_its_plot(tmp_path, crowd):
    path = tmp_path / "seen.mp4"
    times = [0.0, 0.4, 1.5, 1.6, 9.0]
    zone = Zone("gate", torch.tensor([[20.0, 60.0], [150.0, 60.0], [90.0, 150.0]]))
    smoothed = []
    with AnnotatedVideo(path, span="5s", limit=40) as out:
        for number, time in enumerate(times):
            density = density_map(crowd.at(time).points, SIZE, sigma=4.0, stride=8)[None, None]
            smoothed.append(
                out.write(
                    Frame(time, crowd.frame(time), number),
                    density,
                    interval=(20, 60),
                    zones=[zone],
                    counts={"gate": 7.0},
                )
            )
            maximum = out.maximum
        assert len(out._past) == 1  # what fits the last five seconds
    frames = list(VideoFile(path))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    assert frames[0].image.shape == (3, 180 + 72, 320)
    assert maximum > 0
    assert all(0 < value < 120 for value in smoothed)
    density = density_map(crowd.at(0.0).points, SIZE, sigma=4.0, stride=8)[None, None]
    expected = annotate_frame(
        crowd.frame(0.0),
        density,
        maximum=maximum,
        count=float(density.sum()),
        interval=(20, 60),
        time=0.0,
        zones=[("gate 7", zone.polygon)],
        scale=("nobody", "crowded"),
    )
    drawn = torch.from_numpy(np.array(expected)).permute(2, 0, 1) / 255
    assert (frames[0].image[:, :180] - drawn).abs().mean() < 0.03


def test_bad_arguments(tmp_path):
    with pytest.raises(ArgumentError, match="maximum"):
        AnnotatedVideo(tmp_path / "seen.mp4", maximum=0)
    with pytest.raises(DataError, match="expected a file to write to"):
        AnnotatedVideo(tmp_path / "none" / "seen.mp4")
