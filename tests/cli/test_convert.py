"""``crowdkit convert``, and heads that ``crowdkit count`` writes for an annotation tool."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crowdkit.cli.main import main
from crowdkit.data import CrowdFolder
from crowdkit.data.annotations import list_formats, read_annotations

ROWS = "image,x,y,label\na.jpg,10.25,20,head\na.jpg,300.2,100.1,head\na.jpg,160,220,bird\nb.jpg,,,\n"


@pytest.fixture
def photos(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    for name in "abc":  # nobody has annotated the third
        jpeg(tmp_path / f"photos/{name}.jpg", (240, 320))
    (tmp_path / "photos/points.csv").write_text(ROWS)
    return tmp_path / "photos"


@pytest.mark.parametrize("name", list_formats(written=True))
def test_every_form_can_be_written_and_trained_on(
    name: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target"
    assert main(["convert", str(photos), str(target), "--format", name]) == 0
    printed = capsys.readouterr().out
    assert "3 heads of 2 images" in printed
    again = CrowdFolder(
        photos, target, missing="empty", label=["head", "bird"] if "classes" not in printed else None
    )
    assert [again.count(index) for index in range(3)] == [3, 0, 0]
    assert not [issue for issue in again.doubts() if issue.severity == "error"]


def test_an_annotation_file_alone(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(photos / "points.csv")
    assert main(["convert", source, str(tmp_path / "a.json"), "--format", "via", "--label", "Head"]) == 0
    [first, second] = read_annotations(tmp_path / "a.json")
    assert (len(first), len(second), first.labels) == (2, 0, ("head", "head"))
    assert main(["convert", source, str(tmp_path / "cvat"), "--format", "cvat"]) == 2
    assert "(--images)" in capsys.readouterr().err
    assert main(["convert", source, str(tmp_path / "cvat"), "--format", "cvat", "--images", str(photos)]) == 0


def test_what_a_form_cannot_hold_is_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(photos), str(tmp_path / "t"), "--format", "imagej", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["lost"] == ["classes", "images without heads"]
    assert (report["heads"], report["images"]) == (3, 2)


def test_wrong_words_and_files_that_are_there(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(photos), str(tmp_path / "t"), "--format", "cvatt"]) == 2
    assert "did you mean 'cvat'" in capsys.readouterr().err
    assert main(["convert", str(photos), str(tmp_path / "t"), "--format", "coco", "--label", "egg"]) == 2
    assert "'head' (2), 'bird' (1), got 'egg'" in capsys.readouterr().err
    assert main(["convert", str(photos), str(tmp_path / "t"), "--format", "coco"]) == 0
    assert main(["convert", str(photos), str(tmp_path / "t"), "--format", "coco"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["convert", str(photos), str(tmp_path / "t"), "--format", "coco", "--force"]) == 0
    assert main(["convert", str(photos), str(tmp_path / "one.json"), "--format", "labelme"]) == 2
    assert "expected a folder for the 2 files" in capsys.readouterr().err


def test_check_says_what_was_found_in_words(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "folder", str(photos), "--options", "missing=empty"]) == 0
    printed = capsys.readouterr().out
    assert "by class    'head' (2), 'bird' (1)" in printed
    assert "of the classes 'head' (2) is counted, 'bird' (1) is left out" in printed
    (photos / "points.csv").write_text(ROWS.replace("a.jpg,", "a.jpg,3"))
    assert main(["check", "folder", str(photos), "--options", "missing=empty"]) == 1
    assert "1 of 2 heads lie outside their images" in capsys.readouterr().out


def test_training_says_what_contradicts_itself_once(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "points.csv").write_text(ROWS.replace("a.jpg,", "a.jpg,3"))
    values = ["data.dataset=folder", f"data.root={photos}", "data.options.missing=empty", "data.crop=[64,64]"]
    values += ["model.name=mcnn", "run.epochs=1", "data.val_fraction=0.5", "data.sigma=4.0"]
    arguments = ["train", "--quiet", "--device", "cpu", "--run", str(tmp_path / "run"), "--set", *values]
    assert main(arguments) == 0
    [line] = [each for each in capsys.readouterr().err.splitlines() if "lie outside" in each]
    assert line.startswith("warning: ")


def test_counted_heads_open_in_an_annotation_tool(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "more").mkdir()
    (photos / "a.jpg").rename(photos / "more/a.jpg")
    out = tmp_path / "out"
    assert (
        main(["count", str(photos), "--points", "--format", "cvat", "--out", str(out), "--device", "cpu"])
        == 0
    )
    said = capsys.readouterr().err
    assert "cvat: " in said
    assert "more: not counted, an image below" in said
    found = read_annotations(out / "annotations.xml")
    assert [(image.name, image.image_size) for image in found] == [
        ("b.jpg", (240, 320)),
        ("c.jpg", (240, 320)),
    ]
    assert not list(out.glob("*-points.csv"))
    assert main(["count", str(photos), "--format", "cvat", "--out", str(out)]) == 2
    assert "--format: expected --points and --out" in capsys.readouterr().err
    assert main(["count", str(photos), "--points", "--format", "jhu", "--out", str(out)]) == 2
