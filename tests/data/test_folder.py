import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from crowdkit.data import CrowdFolder
from crowdkit.errors import DataError, UnknownNameError


@pytest.fixture
def photos(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    for name in ("a2", "a10"):
        jpeg(tmp_path / f"photos/{name}.jpg", (20, 30))
    return tmp_path / "photos"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def counts(dataset: CrowdFolder) -> list[int]:
    return [dataset.count(index) for index in range(len(dataset))]


def test_files_beside_the_images(photos: Path) -> None:
    write(photos / "a2.csv", "x,y\n1,2\n3,4\n")
    write(photos / "a10.json", "[]")
    dataset = CrowdFolder(photos)
    assert (dataset.name, dataset.split, dataset.names) == ("photos", "train", ["a2", "a10"])
    assert counts(dataset) == [2, 0]
    assert dataset[0].points.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert dataset[1].points.shape == (0, 2)


@pytest.mark.parametrize("folder", ["annotations", "ground_truth", "ground-truth", "labels", "points", "gt"])
def test_files_in_a_folder_of_their_own(
    tmp_path: Path, jpeg: Callable[..., None], image_info: Callable[..., None], folder: str
) -> None:
    jpeg(tmp_path / "images/a.png", (20, 30))
    jpeg(tmp_path / "images/b.JPG", (20, 30))
    image_info(tmp_path / folder / "GT_a.mat", [[1, 1]])
    image_info(tmp_path / folder / "b_ann.mat", [[1, 1], [2, 2]])
    assert counts(CrowdFolder(tmp_path)) == [1, 2]
    assert counts(CrowdFolder(tmp_path / "images")) == [1, 2]
    assert counts(CrowdFolder(tmp_path, tmp_path / folder)) == [1, 2]
    assert CrowdFolder(tmp_path)[0].points.tolist() == [[0.5, 0.5]]


def test_one_coco_file_for_all(photos: Path) -> None:
    content = {
        "images": [{"id": 1, "file_name": "a2.jpg"}, {"id": 2, "file_name": "a10.jpg"}],
        "annotations": [{"image_id": 2, "category_id": 1, "bbox": [2, 2, 4, 4]}],
        "categories": [{"id": 1, "name": "head"}],
    }
    path = write(photos / "annotations.json", json.dumps(content))
    assert counts(CrowdFolder(photos)) == [0, 1]
    assert CrowdFolder(photos, path)[1].points.tolist() == [[4.0, 4.0]]


def test_one_csv_for_all_may_name_stems(photos: Path) -> None:
    write(photos / "points.csv", "name,x,y\na2,1,2\na10.jpg,1,2\na10.jpg,5,6\ngone,1,1\n")
    dataset = CrowdFolder(photos, convention="index")
    assert counts(dataset) == [1, 2]
    assert dataset[0].points.tolist() == [[1.5, 2.5]]
    assert dataset.unpaired == ("gone",)


def test_heads_under_both_stem_and_name_are_told(photos: Path) -> None:
    write(photos / "points.csv", "name,x,y\na2,1,2\na2.jpg,3,4\na10,1,2\n")
    dataset = CrowdFolder(photos)
    assert dataset.count(1) == 1
    with pytest.raises(DataError, match=r"points\.csv: .* both a2 and a2\.jpg"):
        dataset.count(0)


def test_a_missing_annotation_is_an_error_or_nobody(photos: Path) -> None:
    write(photos / "a2.csv", "1,2")
    dataset = CrowdFolder(photos)
    assert dataset.count(0) == 1
    with pytest.raises(DataError, match=r"a10\.jpg: expected its heads.*missing='empty'"):
        dataset.count(1)
    assert counts(CrowdFolder(photos, missing="empty")) == [1, 0]
    (photos / "a2.csv").unlink()
    with pytest.raises(DataError, match="got none; pass annotations="):
        CrowdFolder(photos)
    assert counts(CrowdFolder(photos, missing="empty")) == [0, 0]


def test_an_image_missing_from_the_table(photos: Path) -> None:
    write(photos / "points.csv", "image,x,y\na2.jpg,1,2\n")
    with pytest.raises(DataError, match=r"a10\.jpg: expected its heads in .*points\.csv"):
        CrowdFolder(photos).count(1)
    assert counts(CrowdFolder(photos, missing="empty")) == [1, 0]


def test_upright_images(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif.tobytes())
    write(tmp_path / "a.csv", "5,25")
    assert CrowdFolder(tmp_path).annotation(0).dropped == 1
    upright = CrowdFolder(tmp_path, orient=True)
    assert upright.size(0) == (30, 20)
    assert upright[0].image.shape == (3, 30, 20)
    assert upright.annotation(0).dropped == 0


def test_a_coordinate_that_is_not_finite_is_told(photos: Path) -> None:
    write(photos / "a2.csv", "1,2\nnan,3\n")
    with pytest.raises(DataError, match=r"a2\.csv: points: expected finite coordinates, got 1 of 2"):
        CrowdFolder(photos).annotation(0)


def test_what_is_ambiguous_is_told(photos: Path) -> None:
    write(photos / "a2.csv", "1,2")
    write(photos / "labels/a2.json", "[[1, 2]]")
    with pytest.raises(DataError, match=r"expected one annotation, got .*a2\.csv and .*a2\.json"):
        CrowdFolder(photos)
    assert CrowdFolder(photos, photos / "labels").count(0) == 1
    write(photos / "annotations.csv", "image,x,y\na2.jpg,1,2")
    (photos / "labels/a2.json").unlink()
    with pytest.raises(DataError, match=r"got .*a2\.csv and .*annotations\.csv"):
        CrowdFolder(photos)
    write(photos / "a2.png", "")
    with pytest.raises(DataError, match="several called a2"):
        CrowdFolder(photos)


def test_what_is_missing_is_told(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of images"):
        CrowdFolder(tmp_path / "gone")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"expected images \(\.jpg"):
        CrowdFolder(empty)
    with pytest.raises(DataError, match="which is not there"):
        CrowdFolder(photos, tmp_path / "gone")
    with pytest.raises(UnknownNameError, match="missing"):
        CrowdFolder(photos, missing="ignore")  # type: ignore[arg-type]
