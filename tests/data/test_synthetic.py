"""Synthetic scenes: exact heads, seeded by item alone, and clutter that fools a counter of round things."""

import pickle
import random
import time

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from crowdkit.data import SyntheticCrowd
from crowdkit.errors import ArgumentError, UnknownNameError

LITERAL_COUNT, LITERAL_FIRST, LITERAL_MEAN = 20, [39.3101, 43.095], 0.47627
SMALL = {"size": (96, 128), "people": (0, 40)}


def same(first, second):
    return torch.equal(first.image, second.image) and torch.equal(first.points, second.points)


def test_a_sample_is_what_every_dataset_gives():
    scenes = SyntheticCrowd(3, **SMALL, split="val")
    sample = scenes[1]
    assert sample.image.shape == (3, 96, 128)
    assert sample.image.dtype == torch.float32
    assert sample.image.min() >= 0
    assert sample.image.max() <= 1
    assert sample.points.dtype == torch.float32
    assert sample.sigma is None
    assert sample.meta["name"] == scenes.names[1] == "val_00001"
    assert (sample.meta["dataset"], sample.meta["split"]) == ("SyntheticCrowd", "val")
    assert len(scenes) == 3
    assert scenes.size(1) == (96, 128)
    assert same(scenes[-1], scenes[2])
    assert [len(each.points) for each in scenes] == [scenes.count(n) for n in range(3)]
    with pytest.raises(IndexError):
        scenes[3]


def test_the_annotation_without_pixels_is_the_sample_s():
    scenes = SyntheticCrowd(8, **SMALL)
    for index, sample in enumerate(scenes):
        points, clamped, dropped = scenes.annotation(index)[:3]
        assert torch.equal(points, sample.points)
        assert (clamped, dropped, scenes.count(index)) == (0, 0, len(points))


def test_heads_lie_on_the_canvas_and_apart():
    scenes = SyntheticCrowd(60, size=(192, 256), people=(0, 200))
    for index in range(len(scenes)):
        points = scenes.annotation(index).points
        assert points.shape[1] == 2
        assert (points >= 0).all()
        assert (points < torch.tensor([256.0, 192.0])).all()
        assert len(points) <= 200
        assert len(torch.unique(points, dim=0)) == len(points)


def test_counts_span_the_range_and_some_scenes_are_empty():
    scenes = SyntheticCrowd(200)
    counts = [scenes.count(index) for index in range(len(scenes))]
    assert 2 <= counts.count(0) <= 30
    assert max(counts) > 100
    assert 30 < np.mean(counts) < 70
    assert all(SyntheticCrowd(20, people=(7, 9)).count(index) in (7, 8, 9) for index in range(20))
    assert SyntheticCrowd(1, people=(0, 0)).annotation(0).points.shape == (0, 2)


def test_an_item_depends_on_seed_split_and_index_only():
    scenes = SyntheticCrowd(4, **SMALL)
    random.seed(1)
    torch.manual_seed(1)
    first = scenes[2]
    state = random.getstate()
    random.seed(2)
    torch.manual_seed(2)
    assert same(first, SyntheticCrowd(900, **SMALL)[2])
    random.setstate(state)
    assert not same(first, scenes[1])
    assert not same(first, SyntheticCrowd(4, **SMALL, seed=1)[2])
    assert not same(first, SyntheticCrowd(4, **SMALL, split="val")[2])
    assert not same(first, SyntheticCrowd(4, **SMALL, split="test")[2])
    before = (random.getstate(), torch.get_rng_state(), np.random.get_state()[1].copy())  # noqa: NPY002
    _ = scenes[3]
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002


def test_the_scenes_are_the_same_on_every_machine():
    # Written down once: Python's generator and Pillow's whole-number drawing move neither heads nor pixels.
    sample = SyntheticCrowd(1, **SMALL, seed=7)[0]
    assert len(sample.points) == LITERAL_COUNT
    assert sample.points[0].tolist() == pytest.approx(LITERAL_FIRST, abs=1e-3)
    assert sample.image.mean().item() == pytest.approx(LITERAL_MEAN, abs=2e-3)


def test_clutter_changes_no_head():
    plain, cluttered = (SyntheticCrowd(5, clutter=clutter) for clutter in (False, True))
    for index in range(5):
        assert torch.equal(plain[index].points, cluttered[index].points)
        assert not torch.equal(plain[index].image, cluttered[index].image)


def test_a_head_is_drawn_where_its_point_is():
    # The picture with people differs from the one without at the heads, clearly and nearly always.
    with_people, total, seen = SyntheticCrowd(6, people=(20, 40), clutter=False), 0, 0
    for index in range(6):
        image, points, *_ = with_people[index]
        sharp = image - F.avg_pool2d(image, 31, 1, 15, count_include_pad=False)
        x, y = points.long().unbind(1)
        total += len(points)
        seen += int((sharp[:, y, x].abs().amax(0) > 0.04).sum())
    assert seen > 0.8 * total


def blobs(image):
    """Count round things by a disc matched against its surroundings: a counter that knows no background."""
    gray = image.mean(0)[None, None]
    answer = torch.zeros_like(gray)
    for radius in (1.5, 2.0, 3.0):
        half = int(2 * radius) + 1
        ys, xs = torch.meshgrid(*[torch.arange(-half, half + 1.0)] * 2, indexing="ij")
        away = (xs**2 + ys**2).sqrt()
        disc, ring = away <= radius, (away > radius) & (away <= 1.6 * radius)
        template, window = disc / disc.sum() - ring / ring.sum(), (away <= 1.6 * radius).float()
        padded = F.pad(gray, (half,) * 4, mode="replicate")
        response = F.conv2d(padded, template[None, None]).abs()
        mean = F.conv2d(padded, window[None, None] / window.sum())
        square = F.conv2d(padded**2, window[None, None] / window.sum())
        spread = (square - mean**2).clamp_min(0).sqrt()
        score = response / (spread * template.norm() * window.sum().sqrt() + 0.02)
        answer = torch.maximum(answer, torch.where(response > 0.06, score, 0))
    return int(((answer == F.max_pool2d(answer, 5, 1, 2)) & (answer > 0.55)).sum())


def test_a_counter_of_round_things_counts_the_clutter():
    size, people, found = (96, 128), [], []
    for image, points, *_ in SyntheticCrowd(24, size=size, people=(0, 60), clutter=False):
        people.append(len(points))
        found.append(blobs(image))
    assert np.corrcoef(people, found)[0, 1] > 0.7  # it is a counter of sorts
    nobody = [
        [blobs(sample.image) for sample in SyntheticCrowd(16, size=size, people=(0, 0), clutter=clutter)]
        for clutter in (False, True)
    ]
    assert np.mean(nobody[0]) < 3
    assert np.mean(nobody[1]) > 20  # and it sees a crowd where there is nobody


def test_pickle_and_workers():
    scenes = SyntheticCrowd(4, size=(64, 80), people=(0, 9))
    assert same(pickle.loads(pickle.dumps(scenes))[1], scenes[1])
    loader = DataLoader(scenes, batch_size=None, num_workers=1)
    assert all(same(one, two) for one, two in zip(loader, scenes, strict=True))


def test_transform_sees_every_sample():
    scenes = SyntheticCrowd(1, **SMALL, transform=lambda sample: sample._replace(image=sample.image * 0))
    assert scenes[0].image.sum() == 0


@pytest.mark.parametrize("size", [(32, 32), (33, 97), (240, 100), (300, 501)])
def test_any_size_works(size):
    sample = SyntheticCrowd(1, size=size, people=(30, 30))[0]
    assert sample.image.shape == (3, *size)
    assert len(sample.points) > 5


def test_a_scene_is_quick():
    scenes = SyntheticCrowd(8)
    times = []
    for index in range(8):
        begin = time.perf_counter()
        _ = scenes[index]
        times.append(time.perf_counter() - begin)
    assert sorted(times)[4] < 0.15  # 0.015 s here; room for a busy machine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length: expected at least 1, got 0"),
        ({"length": 1, "size": (16, 64)}, "size: expected .height, width. of at least 32"),
        ({"length": 1, "people": (5, 2)}, "people: expected .fewest, most."),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        SyntheticCrowd(**arguments)
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        SyntheticCrowd(1, split="trian")
