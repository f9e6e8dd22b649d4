import json

import pytest
import torch

from crowdkit.data import Zone, fit_zone, read_zones
from crowdkit.errors import DataError

LEFT = [[0, 0], [4, 0], [4, 6], [0, 6]]


def write(folder, content):
    file = folder / "zones.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_names_and_corners(tmp_path):
    left, right = read_zones(write(tmp_path, {"left": LEFT, "rechts, öst": [[4, 0], [8.5, 0], [4, 6]]}))
    assert (left.name, right.name) == ("left", "rechts, öst")
    assert left.polygon.tolist() == LEFT
    assert right.polygon.dtype == torch.float64


def test_what_labelme_writes(tmp_path):
    shapes = [
        {"label": "left", "shape_type": "polygon", "points": LEFT},
        {"label": "box", "shape_type": "rectangle", "points": [[1, 2], [5, 4]]},
    ]
    zones = read_zones(write(tmp_path, {"version": "5.0", "shapes": shapes, "imageWidth": 8}))
    assert [zone.name for zone in zones] == ["left", "box"]
    assert zones[1].polygon.tolist() == [[1, 2], [5, 2], [5, 4], [1, 4]]


def test_a_polygon_may_be_closed(tmp_path):
    [zone] = read_zones(write(tmp_path, {"left": [*LEFT, LEFT[0]]}))
    assert len(zone.polygon) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON, got a damaged file"),
        ([LEFT], "got list; give every zone a name"),
        ({}, "expected at least one zone"),
        ('{"a": [[0,0],[1,0],[0,1]], "a": [[0,0],[1,0],[0,1]]}', "the name 'a' is repeated"),
        ({"a": [[0, 0], [1, 0]]}, "zone 'a': expected three corners or more, got 2"),
        ({"a": [[0, 0], [4, 4], [4, 0], [0, 4]]}, "zone 'a': expected sides that do not meet"),
        ({"a": [[0, 0], [4, 4], [4]]}, r"corners \[x, y\] for zone 'a', got \[4\]"),
        ({"a": [[0, 0], [4, "4"], [4, 0]]}, r"corners \[x, y\] for zone 'a', got \[4, '4'\]"),
        ({"a": {"polygon": LEFT}}, r"corners \[x, y\] for zone 'a'"),
        ({"a": 7}, "zone 'a', got 7"),
        ('{"a": [[0, 0], [1e999, 0], [0, 1]]}', "finite corners"),
        ({"shapes": [{"label": "a", "shape_type": "circle", "points": LEFT}]}, "got 'circle' called 'a'"),
        ({"shapes": [{"shape_type": "polygon", "points": LEFT}]}, "with a label"),
        ({"shapes": [{"label": "a", "points": LEFT}] * 2}, "got 'a' twice"),
    ],
)
def test_faults_are_told_in_words(content, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_zones(write(tmp_path, content))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_zones(tmp_path / "none.json")


def test_zones_are_brought_onto_the_canvas():
    zone = Zone("left", torch.tensor([[-0.5, 0.0], [4.0, 0.0], [4.0, 6.9]], dtype=torch.float64))
    assert fit_zone(zone, (6, 8)).polygon.tolist() == [[0, 0], [4, 0], [4, 6]]
    with pytest.raises(DataError, match=r"zone 'left': .*x from 0 to 8 and y from 0 to 5, got \(4, 6.9\)"):
        fit_zone(zone, (5, 8))
    sliver = Zone("sliver", torch.tensor([[2.0, 6.1], [4.0, 6.1], [3.0, 6.9]], dtype=torch.float64))
    with pytest.raises(DataError, match="zone 'sliver': expected"):
        fit_zone(sliver, (6, 8))
