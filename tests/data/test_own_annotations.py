"""Annotations of one's own: classes, units, contradictions, names and files beside the photographs."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from crowdkit.data import CrowdFolder, check_dataset
from crowdkit.errors import DataError

HEIGHT, WIDTH = 240, 320
HEADS = [(20.5, 30.5), (300.25, 100.0), (160.0, 220.0)]


@pytest.fixture
def photos(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    for name in "ab":
        jpeg(tmp_path / f"photos/{name}.jpg", (HEIGHT, WIDTH))
    return tmp_path / "photos"


def rows(heads: Sequence[Sequence[float]], across: float = 1, down: float = 1) -> str:
    return "x,y\n" + "".join(f"{x * across},{y * down}\n" for x, y in heads)


def labelme(file: Path, shapes: list[tuple[str, str, Any]], **known: Any) -> None:
    marks = [{"label": label, "shape_type": kind, "points": points} for label, kind, points in shapes]
    file.write_text(json.dumps({"shapes": marks, **known}))


def coco(
    file: Path, categories: Sequence[str], marks: Sequence[tuple[int, float, float]], **image: Any
) -> None:
    content = {
        "images": [{"id": n, "file_name": f"{name}.jpg", **image} for n, name in enumerate("ab")],
        "categories": [{"id": n, "name": name} for n, name in enumerate(categories)],
        "annotations": [
            {"id": n, "image_id": 0, "category_id": category, "bbox": [x - 5, y - 5, 10, 10]}
            for n, (category, x, y) in enumerate(marks)
        ],
    }
    file.write_text(json.dumps(content))


def kinds(dataset: CrowdFolder) -> dict[str, str]:
    return {issue.kind: issue.message for issue in dataset.doubts()}


def counts(dataset: CrowdFolder) -> list[int]:
    return [dataset.count(index) for index in range(len(dataset))]


# ---- classes ---------------------------------------------------------------------------------------


def test_heads_are_counted_and_other_classes_named(photos: Path) -> None:
    region = ("roi", "rectangle", [[5, 5], [310, 230]])
    labelme(photos / "a.json", [region, *(("head", "point", [head]) for head in HEADS)])
    labelme(photos / "b.json", [region])  # alone in its file, it is still no head
    dataset = CrowdFolder(photos)
    assert counts(dataset) == [3, 0]
    assert "'head' (3) is counted, 'roi' (2) is left out" in kinds(dataset)["left out"]
    assert check_dataset(dataset).labels == {"roi": 2, "head": 3}


def test_only_classes_that_occur_are_candidates(photos: Path) -> None:
    coco(photos / "annotations.json", ["head", "cells", "person"], [(1, x, y) for x, y in HEADS])
    assert counts(CrowdFolder(photos)) == [3, 0]


def test_several_classes_and_no_choice_are_an_error(photos: Path) -> None:
    coco(photos / "annotations.json", ["adult", "chick"], [(n % 2, x, y) for n, (x, y) in enumerate(HEADS)])
    dataset = CrowdFolder(photos)
    with pytest.raises(DataError, match=r"got 'adult' \(2\), 'chick' \(1\); choose with label="):
        dataset.count(0)
    report = check_dataset(dataset)
    assert {issue.kind for issue in report.issues if issue.severity == "error"} == {"classes"}
    assert counts(CrowdFolder(photos, label="Chick")) == [1, 0]
    assert counts(CrowdFolder(photos, label=["adult", "chick"])) == [3, 0]
    with pytest.raises(DataError, match="got 'egg'; choose one that occurs"):
        CrowdFolder(photos, label="egg").count(0)


# ---- units -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "whole"), [("fraction", 1), ("percent", 100)])
def test_parts_of_an_image_are_not_taken_for_pixels(photos: Path, unit: Any, whole: float) -> None:
    for name in "ab":
        (photos / f"{name}.csv").write_text(rows(HEADS, whole / WIDTH, whole / HEIGHT))
    dataset = CrowdFolder(photos)
    with pytest.raises(DataError, match=f"pass units='{unit}'"):
        dataset.count(0)
    assert "unit" in kinds(dataset)
    right = CrowdFolder(photos, units=unit)
    assert right.raw_points(0).tolist() == pytest.approx(np.array(HEADS), abs=1e-3)
    assert not right.doubts()
    assert counts(CrowdFolder(photos, units="pixels")) == [3, 3]


def test_one_image_of_fractions_among_others_is_refused(photos: Path) -> None:
    (photos / "a.csv").write_text(rows(HEADS))
    (photos / "b.csv").write_text(rows(HEADS, 1 / WIDTH, 1 / HEIGHT))
    dataset = CrowdFolder(photos)
    assert dataset.count(0) == 3
    with pytest.raises(DataError, match=r"b\.csv: .*units='fraction'"):
        dataset.count(1)


def test_few_heads_near_the_corner_are_pixels(photos: Path) -> None:
    for name in "ab":
        (photos / f"{name}.csv").write_text("x,y\n10,10\n")
    assert not CrowdFolder(photos).doubts()


def test_yolo_counts_in_its_images_whatever_their_size(photos: Path) -> None:
    text = "".join(f"1 {x / WIDTH} {y / HEIGHT} 0.03125 0.0416666\n" for x, y in HEADS)
    (photos / "labels").mkdir()
    (photos / "labels/a.txt").write_text(text)
    (photos / "labels/b.txt").write_text("")
    (photos / "data.yaml").write_text("nc: 2\nnames: ['car', \"head\"]\n")
    dataset = CrowdFolder(photos)
    assert counts(dataset) == [3, 0]
    assert dataset.labels == {"head": 3}
    assert dataset[0].points.tolist() == pytest.approx(np.array(HEADS), abs=1e-3)
    assert dataset.annotation(0).sizes.tolist() == pytest.approx([10] * 3, rel=1e-4)
    assert dataset.annotation(1).sizes.tolist() == []


# ---- what contradicts itself -----------------------------------------------------------------------


def only(dataset: CrowdFolder) -> str:
    found = kinds(dataset)
    errors = {issue.kind for issue in dataset.doubts() if issue.severity == "error"}
    assert len(errors) == 1
    assert not check_dataset(dataset).ok
    return f"{errors.pop()}: {' | '.join(found.values())}"


def test_heads_of_another_resolution(photos: Path) -> None:
    for name in "ab":
        (photos / f"{name}.csv").write_text(rows(HEADS, 3, 3))
    assert "2 of 3 heads lie outside the image of 320 x 240; they reach to 2.8 times" in only(
        CrowdFolder(photos)
    )


def test_the_size_written_in_the_file(photos: Path) -> None:
    coco(photos / "annotations.json", ["head"], [(0, x, y) for x, y in HEADS], width=640, height=480)
    assert "made on an image of 640 x 480, and the image has 320 x 240, another resolution" in only(
        CrowdFolder(photos)
    )
    coco(photos / "annotations.json", ["head"], [(0, x, y) for x, y in HEADS], width=WIDTH, height=HEIGHT)
    assert not CrowdFolder(photos).doubts()


def test_a_photograph_that_is_shown_turned(photos: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", (WIDTH, HEIGHT)).save(photos / "a.jpg", exif=exif)
    places = [("head", "point", [[y, x]]) for x, y in HEADS]
    labelme(photos / "a.json", places, imageWidth=HEIGHT, imageHeight=WIDTH)
    labelme(photos / "b.json", [])
    assert "orient=True" in only(CrowdFolder(photos))
    assert not CrowdFolder(photos, orient=True).doubts()
    labelme(photos / "a.json", places)  # the places alone say it too
    assert "orient=True" in only(CrowdFolder(photos))


def test_x_and_y_that_fit_better_swapped(photos: Path) -> None:
    for name in "ab":
        (photos / f"{name}.csv").write_text(
            "x,y\n" + "".join(f"{y},{x}\n" for x, y in [(300, 20), (310, 90)])
        )
    assert "write x first" in only(CrowdFolder(photos))


def test_totals_written_in_the_file(photos: Path) -> None:
    boxes = [{"sx": 1, "sy": 1, "ex": 9, "ey": 9}]
    content = {
        "img_id": "a.jpg",
        "human_num": 5,
        "boxes": boxes,
        "points": [{"x": x, "y": y} for x, y in HEADS],
    }
    (photos / "a.json").write_text(json.dumps(content))
    dataset = CrowdFolder(photos, missing="empty")
    assert dataset.count(0) == 4
    assert "it says 5 heads and has 4" in only(dataset)
    (photos / "a.json").write_text(json.dumps({**content, "human_num": 4}))
    assert not CrowdFolder(photos, missing="empty").doubts()


def test_a_set_without_any_head(photos: Path) -> None:
    coco(photos / "annotations.json", ["head"], [])
    assert "no head in any image" in only(CrowdFolder(photos))


def test_regions_of_many(photos: Path) -> None:
    file = photos / "annotations.json"
    coco(file, ["head"], [(0, x, y) for x, y in HEADS])
    content = json.loads(file.read_text())
    content["annotations"].append({"image_id": 1, "category_id": 0, "bbox": [0, 0, 90, 90], "iscrowd": 1})
    file.write_text(json.dumps(content))
    dataset = CrowdFolder(photos)
    assert "regions='skip'" in only(dataset)
    with pytest.raises(DataError, match="iscrowd"):
        dataset.count(1)
    skipped = CrowdFolder(photos, regions="skip")
    assert skipped.names == ["a"]
    assert "left out, for a mark in it" in kinds(skipped)["left out"]


def test_marks_that_are_no_heads_are_named(photos: Path) -> None:
    labelme(photos / "a.json", [("head", "point", [HEADS[0]]), ("way", "linestrip", [[1, 2], [3, 4]])])
    assert "1 x linestrip: not read as heads" in kinds(CrowdFolder(photos, missing="empty"))["left out"]


# ---- names and files beside ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "a",
        "A.JPG",
        "day\\a.jpg",
        "C:\\photos\\a.jpg",
        "/data/upload/3/624cb493-a.jpg",
        "/data/local-files/?d=photos/a.jpg",
        "https://example.org/photos/a.jpg?version=3",
        "a_jpg.rf.0a1b2c3d4e5f.jpg",
    ],
)
def test_names_as_tools_write_them(photos: Path, name: str) -> None:
    (photos / "all.csv").write_text(f"image,x,y\n{name},1,2\nb.jpg,,\n")
    assert counts(CrowdFolder(photos)) == [1, 0]


def test_names_that_match_nothing_are_shown_from_both_sides(photos: Path) -> None:
    (photos / "all.csv").write_text("image,x,y\nc.jpg,1,2\nd.jpg,1,2\n")
    with pytest.raises(DataError, match=r"\(a\.jpg, b\.jpg, \.\.\.\), got those of others \(c\.jpg, d\.jpg"):
        CrowdFolder(photos, missing="empty")


def test_what_systems_leave_is_ignored(photos: Path) -> None:
    for name in ("._a.jpg", ".DS_Store", "Thumbs.db", "._a.csv", "__MACOSX/a.jpg"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(b"\0\5\x16\7" + bytes(99))
    for name in "ab":
        (photos / f"{name}.csv").write_text(rows(HEADS))
    dataset = CrowdFolder(photos)
    assert counts(dataset) == [3, 3]
    assert not dataset.doubts()


def test_images_of_all_kinds_and_in_folders_are_used_and_others_named(
    tmp_path: Path, jpeg: Callable[..., None]
) -> None:
    for name in ("a.jfif", "b.gif", "c.webp", "cam1/d.jpg", "cam2/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture = Image.new("RGB", (WIDTH, HEIGHT))
        picture.save(tmp_path / name, format="JPEG" if name.endswith("jfif") else None)
        (tmp_path / name).with_suffix(".csv").write_text(rows(HEADS[: len(name) % 3]))
    (tmp_path / "e.nef").write_bytes(bytes(9))
    page = Image.new("L", (WIDTH, HEIGHT))
    page.save(tmp_path / "stack.tif", save_all=True, append_images=[page, page])
    (tmp_path / "stack.csv").write_text(rows(HEADS))
    dataset = CrowdFolder(tmp_path)
    assert dataset.names == ["a", "b", "c", "cam1/d", "cam2/d", "stack"]
    assert "e.nef" in kinds(dataset)["left out"]
    [pages] = [issue.message for issue in check_dataset(dataset).issues if issue.kind == "pages"]
    assert "the first of 3 pages" in pages


def test_splits_in_folders_of_their_own(tmp_path: Path, jpeg: Callable[..., None]) -> None:
    """As Roboflow exports them."""
    for split, number in (("train", 2), ("valid", 1), ("test", 1)):
        names = [f"{split}{n}_jpg.rf.abc{n}.jpg" for n in range(number)]
        for name in names:
            jpeg(tmp_path / split / name, (HEIGHT, WIDTH))
        content = {
            "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
            "categories": [{"id": 0, "name": "heads"}, {"id": 1, "name": "head", "supercategory": "heads"}],
            "annotations": [{"image_id": n, "category_id": 1, "bbox": [1, 1, 9, 9]} for n in range(number)],
        }
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(content))
    for split, number in (("train", 2), ("val", 1), ("test", 1)):
        dataset = CrowdFolder(tmp_path, split=split)
        assert counts(dataset) == [1] * number
        assert not dataset.doubts()


def test_dots_beside_photographs(tmp_path: Path) -> None:
    """As the VGG cells and TRANCOS come."""
    for name, dots in (("001cell", "001dots"), ("image-1", "image-1dots")):
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / f"{name}.png")
        lit = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        lit[30, 20] = lit[100, 300] = (255, 0, 0)
        Image.fromarray(lit).save(tmp_path / f"{dots}.png")
    dataset = CrowdFolder(tmp_path)
    assert dataset.names == ["001cell", "image-1"]
    assert dataset.raw_points(0).tolist() == [[20.5, 30.5], [300.5, 100.5]]


def test_a_density_map_is_called_one(photos: Path) -> None:
    np.save(photos / "a.npy", np.full((HEIGHT, WIDTH), 3 / HEIGHT / WIDTH))
    with pytest.raises(DataError, match=r"a\.npy: .*a density map of 3\.0 people"):
        CrowdFolder(photos).count(0)
    (photos / "a.npy").unlink()
    (photos / "a.csv").write_text("\n".join(",".join(["0.001"] * WIDTH) for _ in range(HEIGHT)))
    with pytest.raises(DataError, match=r"a\.csv: .*a density map it seems"):
        CrowdFolder(photos).count(0)


def test_files_that_hold_no_heads_are_named(photos: Path) -> None:
    (photos / "a.csv").write_text(rows(HEADS))
    (photos / "b.csv").write_text(rows(HEADS))
    (photos / "classes.txt").write_text("head\n")
    (photos / "export.json").write_text('{"type": "FeatureCollection", "features": []}')
    assert "GeoJSON" in kinds(CrowdFolder(photos))["not read"]
    (photos / "export.json").unlink()
    assert not CrowdFolder(photos).doubts()


def test_a_skeleton_has_the_key_point_asked_for(photos: Path) -> None:
    content = {
        "images": [{"id": 0, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}],
        "categories": [{"id": 1, "name": "person", "keypoints": ["nose", "neck"]}],
        "annotations": [
            {"image_id": 0, "category_id": 1, "keypoints": [10, 20, 2, 11, 30, 2], "bbox": [0, 0, 40, 90]}
        ],
    }
    (photos / "annotations.json").write_text(json.dumps(content))
    assert CrowdFolder(photos).raw_points(0).tolist() == [[10.0, 20.0]]
    assert CrowdFolder(photos, keypoint="neck").raw_points(0).tolist() == [[11.0, 30.0]]
    with pytest.raises(DataError, match="expected the key point 'ear', got 'nose', 'neck'"):
        CrowdFolder(photos, keypoint="ear")
