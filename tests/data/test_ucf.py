"""UCF_CC_50 and UCF-QNRF, in their layouts on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from crowdkit.data import UCFCC50, UCFQNRF, check_dataset
from crowdkit.errors import ArgumentError, DataError, UnknownNameError


def write_points(path: Path, heads: list[list[float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annPoints": np.array(heads, dtype=float).reshape(-1, 2)})


@pytest.fixture
def ucf_cc_50(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    for number in range(1, 51):
        jpeg(tmp_path / f"UCF_CC_50/{number}.jpg", (10, 12), gray=True)
        write_points(tmp_path / f"UCF_CC_50/{number}_ann.mat", [[1.0, 1.0], [12.3, 10.0], [-358.2, 5.0]])
    return tmp_path


@pytest.fixture
def ucf_qnrf(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    home = tmp_path / "UCF-QNRF_ECCV18"
    for folder, sizes in {"Train": [(200, 300), (1500, 300), (1200, 3000)], "Test": [(100, 2400)]}.items():
        for number, size in enumerate(sizes, start=1):
            jpeg(home / f"{folder}/img_{number:04d}.jpg", size)
            write_points(home / f"{folder}/img_{number:04d}_ann.mat", [[1.0, 1.0], [size[1], size[0]]])
    return tmp_path


def test_folds_are_these() -> None:
    # Published figures of ours depend on them: they must never change.
    assert UCFCC50.folds() == [
        [7, 8, 11, 18, 22, 30, 34, 38, 40, 45],
        [1, 3, 23, 25, 27, 32, 35, 37, 39, 47],
        [2, 9, 14, 20, 21, 24, 28, 42, 44, 48],
        [10, 12, 15, 19, 29, 33, 36, 43, 46, 50],
        [4, 5, 6, 13, 16, 17, 26, 31, 41, 49],
    ]
    assert UCFCC50.folds(None) == [list(range(first, first + 10)) for first in (1, 11, 21, 31, 41)]


@pytest.mark.parametrize("seed", [0, 1, 7, None])
def test_every_image_is_tested_once(seed: int | None) -> None:
    folds = UCFCC50.folds(seed)
    assert [len(fold) for fold in folds] == [10] * 5
    assert sorted(number for fold in folds for number in fold) == list(range(1, 51))


def test_a_fold_trains_on_the_others(ucf_cc_50: Path) -> None:
    train, test = (UCFCC50(ucf_cc_50, split, fold=3) for split in ("train", "test"))
    assert (len(train), len(test)) == (40, 10)
    assert [int(name) for name in test.names] == UCFCC50.folds()[3]
    assert sorted(map(int, train.names + test.names)) == list(range(1, 51))
    assert (train.name, train.sigma_rule, train.split) == ("UCF_CC_50 fold 3", "cfanet", "train")
    in_order = UCFCC50(ucf_cc_50 / "UCF_CC_50", "test", fold=1, seed=None)
    assert in_order.names == [str(number) for number in range(11, 21)]


def test_ucf_cc_50_is_matlabs(ucf_cc_50: Path) -> None:
    points, clamped, dropped = UCFCC50(ucf_cc_50).annotation(0)[:3]
    # 12.3 lies beyond the raw width of 12 and inside after the shift; -358.2 far outside.
    torch.testing.assert_close(points, torch.tensor([[0.5, 0.5], [11.8, 9.5]]))
    assert (clamped, dropped) == (0, 1)


def test_missing_images_are_counted_or_allowed(ucf_cc_50: Path) -> None:
    home = ucf_cc_50 / "UCF_CC_50"
    for number in (1, 2, 4):
        (home / f"{number}.jpg").unlink()
    # Fold 0 tests on none of them.
    assert len(UCFCC50(ucf_cc_50, "test")) == 10
    with pytest.raises(
        DataError, match=r"expected 40 images, got 37; the first of 3 missing is 1; .*incomplete"
    ):
        UCFCC50(ucf_cc_50)
    some = UCFCC50(ucf_cc_50, incomplete=True)
    assert (len(some), some.absent) == (37, ("1", "2", "4"))
    report = check_dataset(some)
    assert report.ok
    [issue] = [issue for issue in report.issues if issue.kind == "incomplete"]
    assert issue.severity == "warning"
    assert issue.message == "3 of 40 images are not there, the first is 1"
    for path in home.glob("*.jpg"):
        path.unlink()
    with pytest.raises(DataError, match="got 0; the first of 40 missing"):
        UCFCC50(ucf_cc_50, incomplete=True)


def test_ucf_cc_50_tells_wrong_arguments(ucf_cc_50: Path) -> None:
    for fold in (5, -1, True, 1.0):
        with pytest.raises(ArgumentError, match="fold: expected a whole number from 0 to 4"):
            UCFCC50(ucf_cc_50, fold=fold)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="split"):
        UCFCC50(ucf_cc_50, "val")
    with pytest.raises(DataError, match=r"UCF_CC_50/\*_ann\.mat, got no such"):
        UCFCC50(ucf_cc_50 / "elsewhere")


@pytest.mark.parametrize(
    ("resize", "train", "test"),
    [
        ("none", [(200, 300), (1500, 300), (1200, 3000)], [(100, 2400)]),
        # The long side to [1024, 2048] in training, as it is in testing.
        ("cfanet", [(683, 1024), (1500, 300), (819, 2048)], [(100, 2400)]),
        ("cfanet-code", [(200, 300), (1024, 205), (410, 1024)], [(43, 1024)]),
        # The short side to [512, 2048] in both.
        ("bayesian", [(512, 768), (2560, 512), (1200, 3000)], [(512, 12288)]),
    ],
)
def test_the_published_sizes(
    ucf_qnrf: Path, resize: str, train: list[tuple[int, int]], test: list[tuple[int, int]]
) -> None:
    for split, sizes in (("train", train), ("test", test)):
        dataset = UCFQNRF(ucf_qnrf, split, resize=resize)
        assert [dataset.size(index) for index in range(len(dataset))] == sizes
        for index, (height, width) in enumerate(sizes):
            points = dataset.annotation(index).points
            stored = dataset.stored_size(index)
            expected = torch.tensor([[0.5, 0.5], [stored[1] - 0.5, stored[0] - 0.5]])
            torch.testing.assert_close(
                points, expected * torch.tensor([width / stored[1], height / stored[0]])
            )


def test_resized_samples_agree_with_the_rest(ucf_qnrf: Path) -> None:
    dataset = UCFQNRF(ucf_qnrf, resize="cfanet")
    sample = dataset[0]
    assert sample.image.shape[1:] == dataset.size(0) == (683, 1024)
    assert torch.equal(sample.points, dataset.annotation(0).points)
    assert sample.meta["transforms"] == ({"name": "resize", "old": (200, 300), "new": (683, 1024)},)
    report = check_dataset(dataset)
    assert report.ok
    assert report.sizes["200x300"] == 1  # the files' own


def test_ucf_qnrf_names_and_errors(ucf_qnrf: Path) -> None:
    home = ucf_qnrf / "UCF-QNRF_ECCV18"
    dataset = UCFQNRF(home)
    assert (dataset.name, dataset.sigma_rule, dataset.names[0]) == ("UCF-QNRF", "cfanet-qnrf", "img_0001")
    with pytest.raises(UnknownNameError, match=r"resize: expected one of .*did you mean 'bayesian'"):
        UCFQNRF(home, resize="baysian")
    with pytest.raises(UnknownNameError, match="split"):
        UCFQNRF(home, "val")
    (home / "Test/img_0001.jpg").unlink()
    with pytest.raises(DataError, match=r"expected images such as img_0001\.jpg, got none and 1 annotations"):
        UCFQNRF(home, "test")
    (home / "Train/img_0002.jpg").unlink()
    assert [Path(name).name for name in UCFQNRF(home).unpaired] == ["img_0002_ann.mat"]
