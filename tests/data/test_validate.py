import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from crowdkit.data import CrowdFolder, Issue, ShanghaiTech, SyntheticCrowd, check_dataset
from crowdkit.errors import ArgumentError


def test_a_sound_data_set(shanghaitech: Path) -> None:
    report = check_dataset(ShanghaiTech(shanghaitech))
    assert report.ok
    assert report.issues == ()
    assert (report.images, report.people, report.fewest, report.most) == (12, 24, 1, 3)
    assert report.grayscale == 1
    assert report.sizes["21x30"] == 1
    assert len(report.sizes) == 12


def test_everything_wrong_is_listed_at_once(tmp_path: Path, jpeg: Callable[..., None]) -> None:
    heads = {
        "clamped": "-0.5,3\n5,5\n",
        "copied": "5,5\n5,5\n5,5\n",
        "empty": "",
        "far": "99,3\n5,5\n-7,1\n",
        "garbled": "a b c",
        "nan": "nan,1\n5,5",
        "truncated": "1,1",
        "turned": "1,1",
        "without_image": "1,1",
    }
    for name, text in heads.items():
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / f"labels/{name}.csv").write_text(text)
        if name != "without_image":
            jpeg(tmp_path / f"images/{name}.jpg", (40, 40))
    jpeg(tmp_path / "images/unlabeled.jpg", (40, 40))
    cut = tmp_path / "images/truncated.jpg"
    cut.write_bytes(cut.read_bytes()[:1500])
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new("RGB", (40, 40)).save(tmp_path / "images/turned.jpg", exif=exif.tobytes())

    report = check_dataset(CrowdFolder(tmp_path))
    assert not report.ok
    found = {(Path(issue.name).stem, issue.kind, issue.severity, issue.heads) for issue in report.issues}
    assert found == {
        ("clamped", "clamped", "note", 1),
        ("copied", "duplicate heads", "warning", 2),
        ("empty", "empty", "note", 0),
        ("far", "outside", "warning", 2),
        ("far", "many outside", "error", 2),
        ("garbled", "unreadable annotation", "error", 0),
        ("nan", "not finite", "error", 1),
        ("truncated", "unreadable image", "error", 0),
        ("turned", "turned", "warning", 0),
        ("unlabeled", "missing annotation", "error", 0),
        ("without_image", "no image", "warning", 0),
    }
    assert report.heads("outside") == 2
    assert (report.images, report.people) == (9, 8)
    assert all(issue.message for issue in report.issues)


def test_a_report_travels(shanghaitech: Path) -> None:
    report = check_dataset(ShanghaiTech(shanghaitech, part="B"))
    assert pickle.loads(pickle.dumps(report)) == report
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["people"] == 4
    assert plain["ok"] is True
    assert plain["issues"][0] == {
        "kind": "outside",
        "name": "IMG_1",
        "message": report.issues[0].message,
        "heads": 1,
        "severity": "warning",
    }
    assert isinstance(report.issues[0], Issue)


def test_progress_wraps_the_loop(shanghaitech: Path) -> None:
    seen: list[int] = []

    def watch(places):
        for place in places:
            seen.append(place)
            yield place

    check_dataset(ShanghaiTech(shanghaitech), progress=watch)
    assert seen == list(range(12))


def test_a_data_set_without_files_is_told() -> None:
    with pytest.raises(ArgumentError, match="CrowdDataset"):
        check_dataset(SyntheticCrowd(2))
