"""Mall, in its layout on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from crowdkit.data import Mall, Subset, check_dataset, split_train_val
from crowdkit.errors import DataError, UnknownNameError

SIZE = (24, 32)
FRAMES = (1, 2, 3, 801, 802)


def write_truth(home: Path, frames: int = 2000) -> None:
    # Frame i has i % 3 + 1 heads, the third of them outside the region of interest.
    heads = np.array([[10.5, 20.5], [32.0, 24.0], [5.0, 2.0]])
    frame = np.empty((1, frames), dtype=object)
    for number in range(1, frames + 1):
        frame[0, number - 1] = {"loc": heads[: number % 3 + 1]}
    savemat(home / "mall_gt.mat", {"frame": frame, "count": np.zeros((frames, 1), dtype=np.uint8)})


def write_roi(home: Path, mask: np.ndarray) -> None:
    savemat(home / "perspective_roi.mat", {"roi": {"mask": mask.astype(np.uint8)}, "pMapN": np.ones(SIZE)})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mall")
    (root / "mall_dataset").mkdir()
    write_truth(root / "mall_dataset")
    mask = np.zeros(SIZE)
    mask[4:] = 1
    write_roi(root / "mall_dataset", mask)
    return root


@pytest.fixture
def root(published: Path, tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    home = tmp_path / "mall_dataset"
    home.mkdir()
    for name in ("mall_gt.mat", "perspective_roi.mat"):
        (home / name).write_bytes((published / "mall_dataset" / name).read_bytes())
    for number in FRAMES:
        jpeg(home / f"frames/seq_{number:06d}.jpg", SIZE)
    return tmp_path


def test_frames_heads_and_region(root: Path) -> None:
    train = Mall(root, incomplete=True)
    test = Mall(root / "mall_dataset", "test", incomplete=True)
    assert train.names == ["seq_000001", "seq_000002", "seq_000003"]
    assert test.names == ["seq_000801", "seq_000802"]
    assert (train.name, train.sigma_rule, len(train.absent), len(test.absent)) == (
        "Mall",
        "cfanet-mall",
        797,
        1198,
    )
    # MATLAB's (1, 1) is the center of the first pixel; heads outside the region stay.
    assert train[1].points.tolist() == [[10.0, 20.0], [31.5, 23.5], [4.5, 1.5]]
    assert [train.count(index) for index in range(3)] == [2, 3, 1]
    roi = train[0].roi
    assert roi is not None
    assert roi.shape == SIZE
    assert roi.sum() == 20 * 32
    assert not roi[:4].any()


def test_all_frames_are_wanted_unless_told(root: Path) -> None:
    with pytest.raises(DataError, match="expected 800 images, got 3; the first of 797 missing is seq_000004"):
        Mall(root)
    with pytest.raises(DataError, match="expected 1200 images, got 2"):
        Mall(root, "test")


def test_parts_keep_the_region(root: Path) -> None:
    mall = Mall(root, incomplete=True)
    for part in (*split_train_val(mall, fraction=0.5), Subset(mall, [2, 0])):
        for index in range(len(part)):
            roi, seen = part.roi(index), part[index].roi
            assert roi is not None
            assert seen is not None
            assert torch.equal(roi, seen)
    plain = Mall(root, use_roi=False, incomplete=True)
    assert plain[0].roi is None
    assert Subset(plain, [0]).roi(0) is None


def test_check_tells_who_is_not_counted(root: Path) -> None:
    report = check_dataset(Mall(root, incomplete=True))
    assert report.ok
    assert (report.images, report.people, report.heads("out of region")) == (3, 6, 1)
    assert {issue.kind: issue.severity for issue in report.issues} == {
        "incomplete": "warning",
        "out of region": "note",
    }


def test_what_is_wrong_is_told(root: Path) -> None:
    home = root / "mall_dataset"
    with pytest.raises(UnknownNameError, match="split"):
        Mall(root, "val")
    with pytest.raises(DataError, match="frames"):
        Mall(root / "elsewhere")
    write_roi(home, np.ones((6, 8)))
    with pytest.raises(DataError, match=r"expected a mask of the frames' \(24, 32\), got \(6, 8\)"):
        Mall(root, incomplete=True)
    savemat(home / "perspective_roi.mat", {"pMapN": np.ones(SIZE)})
    with pytest.raises(DataError, match="expected the variable roi"):
        Mall(root, incomplete=True)
    (home / "perspective_roi.mat").unlink()
    with pytest.raises(DataError, match=r"perspective_roi\.mat: expected an annotation file"):
        Mall(root, incomplete=True)
    assert len(Mall(root, use_roi=False, incomplete=True)) == 3
    write_truth(home, frames=5)
    with pytest.raises(DataError, match="expected the heads of 2000 frames, got 5"):
        Mall(root, incomplete=True)
