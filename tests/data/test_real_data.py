"""Facts of the genuine data sets, where CROWDKIT_DATA points at them."""

import os
from pathlib import Path

import pytest
from PIL import Image

from crowdkit.data import (
    UCFCC50,
    UCFQNRF,
    BeijingBRT,
    CrowdDataset,
    CrowdFolder,
    Mall,
    SCUTHead,
    ShanghaiTech,
    check_dataset,
    in_region,
    read_points,
    split_train_val,
    to_canvas,
)
from crowdkit.data.annotations import read_mat_frames, read_mat_roi
from crowdkit.errors import DataError

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("CROWDKIT_DATA" not in os.environ, reason="CROWDKIT_DATA is not set"),
]


@pytest.fixture
def root() -> Path:
    return Path(os.environ["CROWDKIT_DATA"])


def totals(dataset: CrowdDataset) -> tuple[int, int, int, int, int, int]:
    annotations = [dataset.annotation(index) for index in range(len(dataset))]
    counts = [len(each.points) for each in annotations]
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


def test_scut_head_gives_centers_and_sizes(root: Path) -> None:
    classrooms, web = (SCUTHead(root / "SCUT_HEAD", part=part) for part in "AB")
    assert totals(classrooms)[:2] == (80, 2_841)
    assert totals(web)[:2] == (1_372, 35_420)
    assert len(SCUTHead(root / "SCUT_HEAD")) == 1_452
    sample = web[0]
    assert sample.sigma is not None
    assert sample.sigma.shape == (len(sample.points),)
    assert 1 < float(sample.sigma.min()) < float(sample.sigma.max()) < 80


def test_beijing_brt(root: Path) -> None:
    dataset = BeijingBRT(root)
    images, people, _, most, clamped, dropped = totals(dataset)
    assert (images, people + dropped, most) == (120, 1_588, 57)
    assert (clamped, dropped) == (0, 2)


def test_shanghaitech_part_a_of_2015(root: Path) -> None:
    images = root / "ShanghaiTech/part_A/train_data/images"
    dataset = ShanghaiTech(root / "ShanghaiTech_2015gt", part="A", images=images)
    assert totals(dataset)[4:] == (19, 275)
    assert sum(len(dataset.raw_points(index)) for index in range(len(dataset))) == 162_707


@pytest.mark.slow
def test_check_finds_the_grayscale_images(root: Path) -> None:
    report = check_dataset(ShanghaiTech(root / "ShanghaiTech", part="A"))
    assert report.ok
    assert (report.images, report.people, report.grayscale) == (300, 162_413, 11)
    assert report.heads("clamped") == 9
    assert {issue.kind for issue in report.issues} == {"clamped", "duplicate heads"}


def test_other_matlab_layouts(root: Path) -> None:
    frames = read_mat_frames(root / "mall_dataset/mall_gt.mat")
    assert len(frames) == 2_000
    assert sum(map(len, frames)) == 62_315
    assert sum(map(len, frames[:800])) == 23_635
    assert len(read_points(root / "UCF-QNRF_annotation_only/img_0001_ann.mat")) == 977
    folder = CrowdFolder(root / "UCF_CC_50")
    assert [folder.annotation(index)[1:3] for index in range(5)] == [(0, 0), (0, 1), (0, 0), (0, 0), (0, 0)]


def test_ucf_cc_50_in_part(root: Path) -> None:
    with pytest.raises(DataError, match="expected 40 images, got 5; the first of 35 missing is 2"):
        UCFCC50(root / "UCF_CC_50")
    seen = {}
    for fold, numbers in enumerate(UCFCC50.folds()):
        if {1, 6, 17, 23, 50}.isdisjoint(numbers):
            continue
        dataset = UCFCC50(root, "test", fold=fold, incomplete=True)
        for index, name in enumerate(dataset.names):
            raw, annotation = dataset.raw_points(index), dataset.annotation(index)
            height, width = dataset.size(index)
            beyond = int((raw[:, 0] + 0.5 > width).sum())
            seen[name] = (annotation.clamped, annotation.dropped, beyond)
            assert dataset[index].image.shape == (3, height, width)
            assert len(annotation.points) == dataset.count(index) == len(raw) - annotation.dropped
            if name == "6":
                assert round(float(raw[:, 0].min()) + 0.5, 1) == -358.7
    # One head far outside; a place (marked twice in image 1) beyond the raw width, which half a pixel brings in.
    assert seen == {"1": (0, 0, 2), "6": (0, 1, 0), "17": (0, 0, 1), "23": (0, 0, 0), "50": (0, 0, 0)}


def test_mall_in_part(root: Path) -> None:
    with pytest.raises(
        DataError, match="expected 800 images, got 100; the first of 700 missing is seq_000101"
    ):
        Mall(root)
    train = Mall(root, incomplete=True)
    assert (len(train), train.names[99]) == (100, "seq_000100")
    assert {train.size(index) for index in range(100)} == {(480, 640)}
    roi = train[0].roi
    assert roi is not None
    assert float(roi.float().mean()) == pytest.approx(0.9022, abs=1e-4)
    assert totals(train)[4:] == (0, 0)


def test_mall_heads_in_the_region(root: Path) -> None:
    home = root / "mall_dataset"
    roi = read_mat_roi(home / "perspective_roi.mat")
    frames = [to_canvas(points - 0.5, (480, 640)) for points in read_mat_frames(home / "mall_gt.mat")]
    assert [sum(each[place] for each in frames) for place in (1, 2)] == [0, 0]
    counted = [int(in_region(each.points, roi).sum()) for each in frames]
    assert (sum(counted), sum(counted[:800])) == (62_311, 23_635)
    assert sum(len(each.points) for each in frames) == 62_315


def test_ucf_qnrf_annotations_without_images(root: Path, tmp_path: Path) -> None:
    # The only genuine file has no image; with a blank one of its size it reads as any other.
    (tmp_path / "Train").mkdir()
    path = tmp_path / "Train/img_0001_ann.mat"
    path.write_bytes((root / "UCF-QNRF_annotation_only/img_0001_ann.mat").read_bytes())
    with pytest.raises(DataError, match="got none and 1 annotations"):
        UCFQNRF(tmp_path)
    Image.new("L", (2592, 1944)).save(tmp_path / "Train/img_0001.jpg")
    for resize, size in {"none": (1944, 2592), "cfanet": (1536, 2048), "bayesian": (1944, 2592)}.items():
        dataset = UCFQNRF(tmp_path, resize=resize)
        assert dataset.size(0) == size
        assert dataset.count(0) == 977
        assert dataset.annotation(0)[1:3] == (1, 0)  # one lies 0.67 px above the image
