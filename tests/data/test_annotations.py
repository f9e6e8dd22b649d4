import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

from crowdkit.data import read_points
from crowdkit.data.annotations import ImageHeads, read_annotations, read_mat_frames
from crowdkit.errors import DataError, UnknownNameError

HEADS = [[1.0, 2.5], [30.25, 4.0]]


def read_table(path: Path) -> dict[str | None, torch.Tensor]:
    return {image.name: image.points for image in read_annotations(path)}


def one(path: Path) -> ImageHeads:
    [image] = read_annotations(path)
    return image


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2.5\n30.25,4\n",
        "1,2.5\n30.25,4\n",
        "# heads\n1 2.5\n\n30.25 4\n",
        "1\t2.5\n30.25\t4",
        "1;2.5\n30.25;4",
        "\ufeffid,Y,X,label\r\n0,2.5,1,head\r\n1,4,30.25,head\r\n",
    ],
)
def test_csv(tmp_path: Path, text: str) -> None:
    assert read_points(write(tmp_path / "a.csv", text)).tolist() == HEADS


@pytest.mark.parametrize(
    "content",
    [
        HEADS,
        [{"x": 1, "y": 2.5}, {"x": 30.25, "y": 4, "label": "head"}],
        {"points": HEADS, "human_num": 2},
        {
            "version": "5.0",
            "shapes": [
                {"shape_type": "point", "points": [[1.0, 2.5]]},
                {"shape_type": "rectangle", "points": [[28.25, 3.0], [32.25, 5.0]]},
            ],
        },
    ],
)
def test_json(tmp_path: Path, content: Any) -> None:
    assert read_points(write(tmp_path / "a.json", json.dumps(content))).tolist() == HEADS


@pytest.mark.parametrize(
    "variables", [{"annPoints": np.array(HEADS)}, {"anything": np.array(HEADS), "n": np.array([[2]])}]
)
def test_mat_is_in_matlab_coordinates(tmp_path: Path, variables: dict[str, Any]) -> None:
    savemat(tmp_path / "a.mat", variables)
    assert read_points(tmp_path / "a.mat").tolist() == [[0.5, 2.0], [29.75, 3.5]]
    assert read_points(tmp_path / "a.mat", convention="continuous").tolist() == HEADS


def test_shanghaitech_mat(tmp_path: Path, image_info: Any) -> None:
    image_info(tmp_path / "a.mat", HEADS)
    assert read_points(tmp_path / "a.mat").tolist() == [[0.5, 2.0], [29.75, 3.5]]


def test_mall_mat(tmp_path: Path) -> None:
    frames = np.empty((1, 3), dtype=object)
    for index, heads in enumerate((HEADS, HEADS[:1], [])):
        frames[0, index] = {"loc": np.array(heads).reshape(-1, 2)}
    savemat(tmp_path / "mall_gt.mat", {"frame": frames})
    points = read_mat_frames(tmp_path / "mall_gt.mat")
    assert [len(each) for each in points] == [2, 1, 0]
    assert points[0].tolist() == HEADS


def test_pixel_indices_move_to_pixel_centers(tmp_path: Path) -> None:
    assert read_points(write(tmp_path / "a.csv", "3,4"), convention="index").tolist() == [[3.5, 4.5]]
    with pytest.raises(UnknownNameError, match="matlab"):
        read_points(tmp_path / "a.csv", convention="matlb")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", ""),
        ("a.csv", "x,y\n"),
        ("a.txt", "# nobody"),
        ("a.json", "[]"),
        ("a.json", '{"points": []}'),
    ],
)
def test_an_annotation_without_heads_is_an_empty_image(tmp_path: Path, name: str, text: str) -> None:
    points = read_points(write(tmp_path / name, text))
    assert points.shape == (0, 2)
    assert points.dtype == torch.float64


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (1, 0)])
def test_an_empty_matrix_is_an_empty_image(tmp_path: Path, image_info: Any, shape: tuple[int, int]) -> None:
    savemat(tmp_path / "a.mat", {"annPoints": np.zeros(shape)})
    assert read_points(tmp_path / "a.mat").shape == (0, 2)
    image_info(tmp_path / "b.mat", [])
    assert read_points(tmp_path / "b.mat").shape == (0, 2)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "1,2\n3,four", "line 2: expected numbers"),
        ("a.csv", "1,2,3\n", "3 columns without a header, where two numbers"),
        ("a.csv", "col,row\n1,2\n", "columns x and y"),
        ("a.csv", "x,y\n1\n", "line 2"),
        ("a.json", "{", "damaged"),
        ("a.json", '{"images": [], "annotations": []}', "those of 0"),
        ("a.json", '{"image": "a.jpg", "people": 3}', "a table with image, people"),
        ("a.json", '{"type": "FeatureCollection", "features": []}', "GeoJSON, as QuPath"),
        ("a.json", '{"objects": [], "size": {}}', "Supervisely"),
        ("a.json", '[{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]', "COCO's results"),
        ("a.xml", "<Measurements/>", "root <Measurements>"),
        ("a.xml", "<annotations><version>1.1", "damaged"),
        ("a.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><annotations><version/></annotations>", "entities"),
        ("a.csv", "image,x,y,width,height\na.jpg,1,2,10,12\na.jpg,30,20,8,9\n", "corner or the center"),
        ("a.json", '[{"x": 1, "y": 2, "width": 3, "height": 4}]', "corner or the center"),
        ("a.json", "3", "1 columns without a header"),
        ("a.json", "[[1, 2], [3]]", "point 1"),
        ("a.json", '[{"x": 1}]', "point 0"),
        ("a.json", '[["1", "2"]]', "point 0"),
        ("a.json", "[1, 2, 3]", "got 1 as point 0"),
        ("a.json", '{"shapes": null}', "malformed"),
        ("a.json", '{"shapes": ["x"]}', "malformed"),
        ("a.json", '{"shapes": [{"shape_type": "rectangle", "points": [[1, 2], [3]]}]}', "malformed"),
        ("a.json", f"[[1, {'9' * 400}]]", "malformed"),
        ("a.json", "[" * 100_000, "malformed"),
        ("a.mat", "nonsense, and long enough to be read as a header of a file " * 4, "columns"),
        ("a.mat", "MATLAB 5.0 nonsense, and long enough to be read as a header of a file " * 4, "damaged"),
    ],
)
def test_files_of_another_form_are_told(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_points(write(tmp_path / name, text))
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.mat"])
def test_missing_files_are_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_points(tmp_path / name)


@pytest.mark.parametrize(
    "variables", [{"a": np.zeros((3, 2)), "b": np.zeros((3, 2))}, {"annPoints": np.array(["x"])}]
)
def test_mat_files_of_another_form_are_told(tmp_path: Path, variables: dict[str, Any]) -> None:
    savemat(tmp_path / "a.mat", variables)
    with pytest.raises(DataError, match=r"a\.mat"):
        read_points(tmp_path / "a.mat")


def coco(**changes: Any) -> dict[str, Any]:
    content = {
        "images": [{"id": 7, "file_name": "day/a.jpg"}, {"id": 8, "file_name": "b.jpg"}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"image_id": 7, "category_id": 1, "bbox": [10, 20, 4, 6]}],
    }
    return content | changes


def test_coco_boxes_give_their_center(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.json", json.dumps(coco())))
    assert {name: points.tolist() for name, points in table.items()} == {
        "day/a.jpg": [[12.0, 23.0]],
        "b.jpg": [],
    }


def test_coco_keypoints_give_the_head(tmp_path: Path) -> None:
    keypoints = [10, 5, 2, 12, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90, 90, 2]
    annotations = [{"image_id": 8, "category_id": 1, "bbox": [0, 0, 99, 99], "keypoints": keypoints}]
    table = read_table(write(tmp_path / "a.json", json.dumps(coco(annotations=annotations))))
    assert table["b.jpg"].tolist() == [[11.0, 4.0]]


def test_coco_reads_all_categories_and_says_which(tmp_path: Path) -> None:
    both = [{"image_id": 7, "category_id": each, "bbox": [0, 0, 2, 2]} for each in (1, 2, "2")]
    named = [{"id": 1, "name": "car"}, {"id": 2, "name": "Person"}, {"id": 3, "name": "head"}]
    path = write(tmp_path / "a.json", json.dumps(coco(annotations=both, categories=named)))
    assert read_annotations(path)[0].labels == ("car", "Person", "Person")
    write(path, json.dumps(coco(annotations=both[:1], categories=[])))
    assert read_annotations(path)[0].labels == ("1",)


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2]}]},
        {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [10**400, 2, 3, 4]}]},
        {"annotations": {"1": 2}},
        {"annotations": [2]},
        {"images": [{"id": 7, "file_name": None}]},
    ],
)
def test_malformed_coco_is_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"a\.json: expected COCO"):
        read_table(write(tmp_path / "a.json", json.dumps(coco(**changes))))


def test_damaged_mat_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"annPoints": np.array(HEADS)})
    whole = path.read_bytes()
    for damaged in (whole[:100], whole[:125], whole[:150], whole[:128] + bytes([18]) + whole[129:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.mat: expected"):
            read_points(path)


def test_coco_counts_regions_of_many_and_reports_damaged_entries(tmp_path: Path) -> None:
    crowd = [{"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1}]
    [first, second] = read_annotations(write(tmp_path / "a.json", json.dumps(coco(annotations=crowd))))
    assert (len(first), first.regions, second.regions) == (0, 1, 0)
    with pytest.raises(DataError, match="without 'bbox'"):
        read_table(
            write(tmp_path / "a.json", json.dumps(coco(annotations=[{"image_id": 7, "category_id": 1}])))
        )


def test_csv_table(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Image,x,y\nday/a.jpg,1,2.5\nb.jpg,,\nday/a.jpg,30.25,4\n")
    table = read_table(path)
    assert {name: points.tolist() for name, points in table.items()} == {"day/a.jpg": HEADS, "b.jpg": []}
