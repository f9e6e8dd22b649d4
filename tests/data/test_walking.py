"""Walkers: exact on the ground and in the picture, the same at any time, and steady in time."""

import pytest
import torch

from crowdkit.data import WalkingCrowd
from crowdkit.errors import ArgumentError


@pytest.fixture(scope="module")
def crowd() -> WalkingCrowd:
    return WalkingCrowd(size=(180, 320), people=(20, 60), seed=3)


def test_a_moment_does_not_depend_on_those_before(crowd):
    crowd.at(99.0)
    again = WalkingCrowd(size=(180, 320), people=(20, 60), seed=3)
    for one, two in zip(crowd.at(31.4), again.at(31.4), strict=True):
        assert torch.equal(one, two)
    assert torch.equal(crowd.frame(31.4), again.frame(31.4))
    other = WalkingCrowd(size=(180, 320), people=(20, 60), seed=4)
    assert not torch.equal(other.frame(31.4), crowd.frame(31.4))


def test_heads_stand_over_their_ground(crowd):
    walkers = crowd.at(20.0)
    assert len(walkers.points) > 10
    assert ((walkers.points >= 0) & (walkers.points < torch.tensor([320.0, 180.0]))).all()
    heads = torch.cat([walkers.points.double(), torch.ones(len(walkers.points), 1)], dim=1)
    low, high = (
        (place[:, :2] / place[:, 2:]).float()
        for place in (heads @ crowd.homography(height=tall).T for tall in (1.42, 1.68))
    )
    # Heads are between the planes of the shortest and the tallest.
    assert (torch.minimum(low, high) - 1e-3 <= walkers.ground).all()
    assert (walkers.ground <= torch.maximum(low, high) + 1e-3).all()


def test_people_walk_steadily_and_enter_at_the_borders(crowd):
    before = crowd.at(40.0)
    for step in range(1, 40):
        now = crowd.at(40.0 + 0.25 * step)
        was = {int(who): place for who, place in zip(before.identities, before.ground, strict=True)}
        for who, place, (x, y) in zip(now.identities.tolist(), now.ground, now.points.tolist(), strict=True):
            if who in was:
                assert 0.2 < (place - was[who]).norm() < 0.45
            else:
                assert x < 12 or x > 308 or y > 165 or y < 62
        assert len(now.identities.unique()) == len(now.identities)
        before = now


def test_looks_stay():
    crowd = WalkingCrowd(size=(360, 640), people=(30, 30), seed=3)
    compared = 0
    for time in (10.0, 25.0, 52.0, 70.0, 90.0, 130.0):
        frames, moments = zip(*((crowd.frame(t), crowd.at(t)) for t in (time, time + 0.3)), strict=True)
        for who in set(moments[0].identities.tolist()) & set(moments[1].identities.tolist()):
            colors = []
            for frame, walkers in zip(frames, moments, strict=True):
                place = (walkers.identities == who).nonzero().item()
                x, y = walkers.points[place].tolist()
                radius = 0.14 * (y - 0.14 * 180) / (6 - 1.55)
                apart = (walkers.points - walkers.points[place]).norm(dim=1)
                clear = apart.kthvalue(2).values > 9 * radius
                row, column = int(y + 3.2 * radius), int(x)
                if clear and radius > 3 and row + 2 < 360 and 2 < column < 638:
                    colors.append(frame[:, row - 1 : row + 2, column - 1 : column + 2].mean(dim=(1, 2)))
            if len(colors) == 2:
                compared += 1
                assert (colors[0] - colors[1]).abs().max() < 0.12
    assert compared >= 5


def test_the_number_swells_about_what_was_asked():
    crowd = WalkingCrowd(size=(180, 320), people=(10, 70), period=400.0, seed=1)
    few = [len(crowd.at(400.0 * n + t).points) for n in range(5) for t in (-10.0, 0.0, 10.0)]
    many = [len(crowd.at(400.0 * n + 200 + t).points) for n in range(5) for t in (-10.0, 0.0, 10.0)]
    assert sum(few) / len(few) == pytest.approx(10, abs=6)
    assert sum(many) / len(many) == pytest.approx(70, abs=20)
    assert WalkingCrowd(people=(0, 0)).at(5.0).points.shape == (0, 2)


def test_hidden_heads_lie_behind_others():
    crowd = WalkingCrowd(size=(180, 320), people=(150, 150), camera_height=3.0, seed=2)
    hidden = 0
    for time in (0.0, 30.0, 60.0):
        walkers = crowd.at(time)
        for place in (~walkers.seen).nonzero().flatten().tolist():
            nearer = walkers.ground[:, 1] < walkers.ground[place, 1]
            aside = (walkers.points[:, 0] - walkers.points[place, 0]).abs()
            radius = 0.15 * (walkers.points[:, 1] - 0.14 * 180) / (3 - 1.68)
            assert (nearer & (aside < 2.5 * radius)).any()
            hidden += 1
    assert hidden > 5
    assert walkers.seen.float().mean() > 0.5


def test_a_clip_has_its_times(crowd):
    clip = list(crowd.frames(0.2, rate=29.97, start=5.0))
    assert [round(time, 4) for time, _ in clip] == [0.0, 0.0334, 0.0667, 0.1001, 0.1335, 0.1668]
    assert torch.equal(clip[0][1], crowd.frame(5.0))
    assert clip[0][1].shape == (3, 180, 320)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"size": (20, 300)}, "size"),
        ({"people": (5, 2)}, "people"),
        ({"period": 0.0}, "period"),
        ({"camera_height": 1.0}, "camera_height"),
    ],
)
def test_bad_arguments(keywords, message):
    with pytest.raises(ArgumentError, match=f"^{message}: expected"):
        WalkingCrowd(**keywords)
