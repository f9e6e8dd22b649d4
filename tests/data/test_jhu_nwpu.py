"""JHU-Crowd++ and NWPU-Crowd, in their layouts on disk."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from crowdkit.data import JHUCrowd, NWPUCrowd, check_dataset
from crowdkit.errors import DataError, UnknownNameError


@pytest.fixture
def jhu(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    for split, names in {"train": ("0001", "0012"), "val": ("0003",), "test": ("0004",)}.items():
        folder = tmp_path / "jhu_crowd_v2.0" / split
        (folder / "gt").mkdir(parents=True)
        for name in names:
            jpeg(folder / f"images/{name}.jpg", (20, 30))
            (folder / f"gt/{name}.txt").write_text("" if name == "0012" else "0 0 5 7 1 0\n29 19 4 4 3 1\n")
        rows = "".join(f"{name},2,street,{place + 1},{place}\n" for place, name in enumerate(names))
        (folder / "image_labels.txt").write_text(rows)
    return tmp_path


@pytest.fixture
def nwpu(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    home = tmp_path / "NWPU-Crowd"
    (home / "jsons").mkdir(parents=True)
    (home / "mats").mkdir()
    for number in range(1, 6):
        jpeg(home / f"images/{number:04d}.jpg", (20, 30))
        if number < 5:
            points = [[0.0, 0.25], [29.5, 19.75]] if number > 1 else []
            content = {"img_id": f"{number:04d}.jpg", "human_num": len(points), "points": points, "boxes": []}
            (home / f"jsons/{number:04d}.json").write_text(json.dumps(content))
            savemat(home / f"mats/{number:04d}.mat", {"annPoints": np.array(points).reshape(-1, 2)})
    (home / "train.txt").write_text("0001 1 0\n0002 2 3\n")
    (home / "val.txt").write_text("0004 0 4 \n0003 1 1\n")
    (home / "test.txt").write_text("0005\n")
    return tmp_path


def test_jhu_splits_heads_and_labels(jhu: Path) -> None:
    train = JHUCrowd(jhu)
    assert (train.name, train.names, train.sigma_rule) == ("JHU-Crowd++", ["0001", "0012"], "cfanet")
    # Pixel indices: the first and the last pixel.
    assert train[0].points.tolist() == [[0.5, 0.5], [29.5, 19.5]]
    assert (train.count(1), train[1].points.shape) == (0, (0, 2))
    assert {key: train[0].meta[key] for key in ("scene", "weather", "distractor")} == {
        "scene": "street",
        "weather": "fog or haze",
        "distractor": False,
    }
    assert train[1].meta["distractor"] is True
    for split, names in (("val", ["0003"]), ("test", ["0004"])):
        part = JHUCrowd(jhu / "jhu_crowd_v2.0", split)
        assert (part.split, part.names, part[0].meta["split"]) == (split, names, split)
    assert check_dataset(train).ok


def test_jhu_tells_what_is_wrong(jhu: Path) -> None:
    folder = jhu / "jhu_crowd_v2.0/train"
    with pytest.raises(UnknownNameError, match="did you mean 'val'"):
        JHUCrowd(jhu, "vla")
    with pytest.raises(DataError, match="train/images"):
        JHUCrowd(jhu / "elsewhere")
    (folder / "gt/0001.txt").write_text("0 0 5 7 1 0\n29 19\n")
    with pytest.raises(DataError, match=r"0001\.txt, line 2: expected 6 numbers, got \['29', '19'\]"):
        JHUCrowd(jhu).annotation(0)
    (folder / "gt/0001.txt").write_text("x y w h o b\n1 2 3 4 5 6\n")
    with pytest.raises(DataError, match="expected rows of 6 numbers, got x, y"):
        JHUCrowd(jhu).annotation(0)
    (folder / "gt/0001.txt").unlink()
    assert [issue.kind for issue in check_dataset(JHUCrowd(jhu)).issues] == ["missing annotation", "empty"]
    (folder / "gt/0099.txt").write_text("")
    assert [Path(name).name for name in JHUCrowd(jhu).unpaired] == ["0099.txt"]
    (folder / "image_labels.txt").write_text("0001,2,street,4,0\n")
    with pytest.raises(DataError, match="line 1: expected name, count, scene, weather"):
        JHUCrowd(jhu)
    (folder / "image_labels.txt").unlink()
    assert "weather" not in JHUCrowd(jhu)[1].meta
    for path in (folder / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="expected images, got none"):
        JHUCrowd(jhu)


@pytest.mark.parametrize("kind", ["jsons", "mats"])
def test_nwpu_splits_heads_and_labels(nwpu: Path, kind: str) -> None:
    home = nwpu / "NWPU-Crowd"
    if kind == "mats":
        (home / "jsons").rename(home / "unused")
    train, val = NWPUCrowd(nwpu), NWPUCrowd(home, "val")
    assert (train.name, train.sigma_rule) == ("NWPU-Crowd", "nwpu")
    assert (train.names, val.names, val.split) == (["0001", "0002"], ["0003", "0004"], "val")
    # Continuous as they stand, in both kinds of files.
    assert train[1].points.tolist() == [[0.0, 0.25], [29.5, 19.75]]
    assert train.count(0) == 0
    assert (val[1].meta["luminance"], val[1].meta["level"]) == (0, 4)
    assert check_dataset(val).ok


def test_nwpu_test_images_have_no_heads(nwpu: Path) -> None:
    test = NWPUCrowd(nwpu, "test")
    assert (len(test), test.size(0), test.records[0].image.name) == (1, (20, 30), "0005.jpg")
    for read in (test.annotation, test.count, test.__getitem__):
        with pytest.raises(
            DataError, match="split 'test' of NWPU-Crowd, whose heads are not published; count its"
        ):
            read(0)
    report = check_dataset(test)
    assert report.ok
    assert [(issue.kind, issue.severity) for issue in report.issues] == [("unpublished", "note")]
    assert (report.images, report.people) == (1, 0)


def test_nwpu_tells_what_is_wrong(nwpu: Path) -> None:
    home = nwpu / "NWPU-Crowd"
    with pytest.raises(DataError, match=r"train\.txt, got no such"):
        NWPUCrowd(nwpu / "elsewhere")
    (home / "images/0002.jpg").unlink()
    with pytest.raises(DataError, match="expected 2 images, got 1; the first of 1 missing is 0002"):
        NWPUCrowd(nwpu)
    assert NWPUCrowd(nwpu, incomplete=True).absent == ("0002",)
    for rows, message in (
        ("0001 1\n", "line 1"),
        ("0001 1 a\n", "line 1"),
        ("0001 1 2 3\n", "line 1"),
        ("\n", "none"),
    ):
        (home / "train.txt").write_text(rows)
        with pytest.raises(DataError, match=message):
            NWPUCrowd(nwpu)
    (home / "images").rename(home / "images_part1")
    with pytest.raises(DataError, match="images_part1 to 5"):
        NWPUCrowd(nwpu, "val")
