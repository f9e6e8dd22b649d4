import shutil
from pathlib import Path

import pytest

from crowdkit.data import ShanghaiTech
from crowdkit.errors import DataError, UnknownNameError


def test_the_2016_release(shanghaitech: Path) -> None:
    dataset = ShanghaiTech(shanghaitech, part="A", split="train")
    assert (len(dataset), dataset.name, dataset.split) == (12, "ShanghaiTech part_A", "train")
    assert dataset.names[:3] == ["IMG_1", "IMG_2", "IMG_3"]
    assert dataset.names[9] == "IMG_10"
    assert dataset.sigma_rule == "cfanet-sha"
    sample = dataset[1]
    assert sample.image.shape == (3, 22, 30)
    # MATLAB's (1, 1) is the center of the first pixel.
    assert sample.points.tolist() == [[0.5, 0.5], [9.75, 5.0], [29.5, 19.5]]
    assert sample.meta == {
        "name": "IMG_2",
        "path": str(shanghaitech / "part_A/train_data/images/IMG_2.jpg"),
        "dataset": "ShanghaiTech part_A",
        "split": "train",
        "clamped": 0,
        "dropped": 0,
    }


def test_the_2015_release_clamps_and_drops(shanghaitech: Path) -> None:
    dataset = ShanghaiTech(shanghaitech, part="B")
    points, clamped, dropped = dataset.annotation(0)[:3]
    assert (clamped, dropped, dataset.count(0)) == (2, 1, 2)
    assert points[0].tolist() == [0.0, 4.5]
    assert 31.99 < points[1, 0] < 32
    assert dataset.sigma_rule == "cfanet-shb"


def test_root_may_be_the_part_itself(shanghaitech: Path) -> None:
    assert len(ShanghaiTech(shanghaitech / "part_A", split="test")) == 1
    assert len(ShanghaiTech(str(shanghaitech / "part_B_final"), "B")) == 2


def test_grayscale_becomes_rgb(shanghaitech: Path) -> None:
    image = ShanghaiTech(shanghaitech)[2].image
    assert image.shape == (3, 23, 30)
    assert image[0].equal(image[2])


def test_annotation_does_not_decode_pixels(shanghaitech: Path) -> None:
    dataset = ShanghaiTech(shanghaitech)
    path = dataset.records[0].image
    path.write_bytes(path.read_bytes()[:700])
    assert dataset.size(0) == (21, 30)
    assert dataset.count(0) == 2
    with pytest.raises(DataError, match=r"IMG_1\.jpg"):
        dataset[0]


def test_images_of_the_other_release(shanghaitech: Path) -> None:
    shutil.move(shanghaitech / "part_B_final/train_data/images", shanghaitech / "elsewhere")
    with pytest.raises(DataError, match=r"the images in .*part_B_final"):
        ShanghaiTech(shanghaitech, part="B")
    dataset = ShanghaiTech(shanghaitech, part="B", images=shanghaitech / "elsewhere")
    assert dataset.count(1) == 2


def test_two_releases_side_by_side_are_told(shanghaitech: Path) -> None:
    shutil.copytree(shanghaitech / "part_A", shanghaitech / "part_A_final")
    with pytest.raises(DataError, match="part_A and part_A_final"):
        ShanghaiTech(shanghaitech)
    assert len(ShanghaiTech(shanghaitech / "part_A_final")) == 12


def test_what_is_missing_is_told(shanghaitech: Path) -> None:
    with pytest.raises(DataError, match=r"part_A or .*part_A_final, got no such folder"):
        ShanghaiTech(shanghaitech / "part_A/train_data")
    with pytest.raises(DataError, match=r"ground-truth or .*ground_truth"):
        ShanghaiTech(shanghaitech, part="B", split="test")
    with pytest.raises(UnknownNameError, match="part"):
        ShanghaiTech(shanghaitech, part="C")
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        ShanghaiTech(shanghaitech, split="trian")
    folder = shanghaitech / "part_A/train_data/ground-truth"
    (folder / "GT_IMG_1.mat").unlink()
    with pytest.raises(DataError, match=r"GT_IMG_1\.mat: expected an annotation file"):
        ShanghaiTech(shanghaitech).annotation(0)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="12 images"):
        ShanghaiTech(shanghaitech)


def test_a_folder_of_the_other_part_is_told(shanghaitech: Path) -> None:
    with pytest.raises(DataError, match="part A"):
        ShanghaiTech(shanghaitech / "part_B_final", part="A")
