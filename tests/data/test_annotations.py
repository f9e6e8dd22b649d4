import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

from crowdkit.data import read_points
from crowdkit.data.annotations import read_mat_frames, read_table
from crowdkit.errors import DataError, UnknownNameError

HEADS = [[1.0, 2.5], [30.25, 4.0]]


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
        ("a.csv", "1,2,3\n", "expected two numbers, got 3 columns"),
        ("a.csv", "col,row\n1,2\n", "columns x and y"),
        ("a.csv", "x,y\n1\n", "line 2"),
        ("a.json", "{", "damaged"),
        ("a.json", '{"images": [], "annotations": []}', "looks like COCO"),
        ("a.json", "3", "expected a list of points"),
        ("a.json", "[[1, 2], [3]]", "point 1"),
        ("a.json", '[{"x": 1}]', "point 0"),
        ("a.json", '[["1", "2"]]', "point 0"),
        ("a.json", '{"shapes": [{"shape_type": "polygon", "points": [[1, 2]]}]}', "polygon"),
        ("a.json", "[1, 2, 3]", "got 1 as point 0"),
        ("a.json", '{"shapes": null}', "malformed"),
        ("a.json", '{"shapes": ["x"]}', "malformed"),
        ("a.json", '{"shapes": [{"shape_type": "rectangle", "points": [[1, 2], [3]]}]}', "malformed"),
        ("a.json", f"[[1, {'9' * 400}]]", "malformed"),
        ("a.json", "[" * 100_000, "malformed"),
        ("a.mat", "nonsense, and long enough to be read as a header of a file " * 4, "damaged"),
        ("a.xml", "", "got '.xml'"),
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
    assert {name: points.tolist() for name, points in table.items()} == {"a.jpg": [[12.0, 23.0]], "b.jpg": []}


def test_coco_keypoints_give_the_head(tmp_path: Path) -> None:
    keypoints = [10, 5, 2, 12, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90, 90, 2]
    annotations = [{"image_id": 8, "category_id": 1, "bbox": [0, 0, 99, 99], "keypoints": keypoints}]
    table = read_table(write(tmp_path / "a.json", json.dumps(coco(annotations=annotations))))
    assert table["b.jpg"].tolist() == [[11.0, 4.0]]


def test_coco_categories(tmp_path: Path) -> None:
    both = [{"image_id": 7, "category_id": each, "bbox": [each, 0, 2, 2]} for each in (1, 2)]
    named = [{"id": 1, "name": "car"}, {"id": 2, "name": "Person"}]
    path = write(tmp_path / "a.json", json.dumps(coco(annotations=both, categories=named)))
    assert read_table(path)["a.jpg"].tolist() == [[3.0, 1.0]]
    named[1]["name"] = "bus"
    with pytest.raises(DataError, match="head or person"):
        read_table(write(path, json.dumps(coco(annotations=both, categories=named))))
    with pytest.raises(DataError, match="head or person"):  # a file of two categories with one in use
        read_table(write(path, json.dumps(coco(annotations=both[:1], categories=named))))
    assert (
        len(read_table(write(path, json.dumps(coco(annotations=both[:1], categories=named[:1]))))["a.jpg"])
        == 1
    )
    assert len(read_table(write(path, json.dumps(coco(annotations=both[:1], categories=[]))))["a.jpg"]) == 1


def test_coco_reads_declared_heads_though_only_others_are_marked(tmp_path: Path) -> None:
    named = [{"id": 1, "name": "car"}, {"id": 2, "name": "person"}]
    path = write(tmp_path / "a.json", json.dumps(coco(categories=named)))
    assert len(read_table(path)["a.jpg"]) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2]}]},
        {"annotations": [{"image_id": 7, "category_id": 1, "bbox": [10**400, 2, 3, 4]}]},
        {"annotations": [{"image_id": 7, "category_id": [1], "bbox": [1, 2, 3, 4]}]},
        {"annotations": {"1": 2}},
        {"annotations": [2]},
        {"images": [{"id": 7, "file_name": None}]},
        {"categories": None},
    ],
)
def test_malformed_coco_is_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"a\.json: expected COCO"):
        read_table(write(tmp_path / "a.json", json.dumps(coco(**changes))))


def test_two_paths_with_one_file_name_are_told(tmp_path: Path) -> None:
    images = [{"id": 7, "file_name": "cam1/a.jpg"}, {"id": 8, "file_name": "cam2/a.jpg"}]
    with pytest.raises(DataError, match=r"got cam1/a\.jpg and cam2/a\.jpg"):
        read_table(write(tmp_path / "a.json", json.dumps(coco(images=images))))
    with pytest.raises(DataError, match=r"line 3: .*got cam1/a\.jpg and cam2/a\.jpg"):
        read_table(write(tmp_path / "a.csv", "image,x,y\ncam1/a.jpg,1,2\ncam2/a.jpg,,\n"))


def test_damaged_mat_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"annPoints": np.array(HEADS)})
    whole = path.read_bytes()
    for damaged in (whole[:100], whole[:125], whole[:150], whole[:128] + bytes([18]) + whole[129:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.mat: expected"):
            read_points(path)


def test_coco_regions_of_many_and_damaged_entries_are_told(tmp_path: Path) -> None:
    crowd = [{"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1}]
    with pytest.raises(DataError, match="iscrowd"):
        read_table(write(tmp_path / "a.json", json.dumps(coco(annotations=crowd))))
    with pytest.raises(DataError, match="without 'bbox'"):
        read_table(
            write(tmp_path / "a.json", json.dumps(coco(annotations=[{"image_id": 7, "category_id": 1}])))
        )


def test_csv_table(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Image,x,y\nday/a.jpg,1,2.5\nb.jpg,,\nday/a.jpg,30.25,4\n")
    table = read_table(path)
    assert {name: points.tolist() for name, points in table.items()} == {"a.jpg": HEADS, "b.jpg": []}
    with pytest.raises(DataError, match="image, x and y"):
        read_table(write(path, "x,y\n1,2\n"))
