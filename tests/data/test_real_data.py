"""Facts of the genuine data sets, where CROWDKIT_DATA points at them."""

import os
from pathlib import Path

import pytest

from crowdkit.data import CrowdFolder, ShanghaiTech, check_dataset, read_points, split_train_val
from crowdkit.data.annotations import read_mat_frames

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("CROWDKIT_DATA" not in os.environ, reason="CROWDKIT_DATA is not set"),
]


@pytest.fixture
def root() -> Path:
    return Path(os.environ["CROWDKIT_DATA"])


def totals(dataset: ShanghaiTech) -> tuple[int, int, int, int, int, int]:
    annotations = [dataset.annotation(index) for index in range(len(dataset))]
    counts = [len(points) for points, _, _ in annotations]
    clamped, dropped = (sum(each[place] for each in annotations) for place in (1, 2))
    return len(dataset), sum(counts), min(counts), max(counts), clamped, dropped


def test_shanghaitech_part_a(root: Path) -> None:
    dataset = ShanghaiTech(root / "ShanghaiTech", part="A")
    assert totals(dataset) == (300, 162_413, 33, 3_138, 9, 0)
    assert dataset.names[1] == "IMG_2"
    _, val = split_train_val(dataset)
    assert val.names[:3] == ["IMG_1", "IMG_11", "IMG_21"]
    sample = val[0]
    assert sample.image.shape[1:] == val.size(0)
    assert len(sample.points) == val.count(0)


def test_shanghaitech_part_b(root: Path) -> None:
    dataset = ShanghaiTech(root / "ShanghaiTech", part="B")
    assert totals(dataset) == (400, 49_151, 12, 576, 45, 0)
    assert {dataset.size(index) for index in range(len(dataset))} == {(768, 1024)}


def test_shanghaitech_part_a_of_2015(root: Path) -> None:
    images = root / "ShanghaiTech/part_A/train_data/images"
    dataset = ShanghaiTech(root / "ShanghaiTech_2015gt", part="A", images=images)
    assert totals(dataset)[4:] == (19, 275)
    assert sum(len(dataset.raw_points(index)) for index in range(len(dataset))) == 162_707


@pytest.mark.slow
def test_check_finds_the_greyscale_images(root: Path) -> None:
    report = check_dataset(ShanghaiTech(root / "ShanghaiTech", part="A"))
    assert report.ok
    assert (report.images, report.people, report.greyscale) == (300, 162_413, 11)
    assert report.heads("clamped") == 9
    assert {issue.kind for issue in report.issues} == {"clamped", "duplicate heads"}


def test_other_matlab_layouts(root: Path) -> None:
    frames = read_mat_frames(root / "mall_dataset/mall_gt.mat")
    assert len(frames) == 2_000
    assert sum(map(len, frames)) == 62_315
    assert sum(map(len, frames[:800])) == 23_635
    assert len(read_points(root / "UCF-QNRF_annotation_only/img_0001_ann.mat")) == 977
    folder = CrowdFolder(root / "UCF_CC_50")
    assert [folder.annotation(index)[1:] for index in range(5)] == [(0, 0), (0, 1), (0, 0), (0, 0), (0, 0)]
