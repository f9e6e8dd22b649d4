"""``crowdkit count --points --zones``."""

import csv
import json

import pytest
import torch
from PIL import Image

from crowdkit.cli import main
from crowdkit.data import CrowdFolder, read_points
from crowdkit.models import create_model

HALVES = {"left": [[0, 0], [35, 0], [35, 50], [0, 50]], "right": [[35, 0], [70, 0], [70, 50], [35, 50]]}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.png"):
        Image.new("RGB", (70, 50), (120, 90, 60)).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A model that sees some ten people in anything."""
    torch.manual_seed(0)
    model = create_model("mcnn", output="softplus")
    with torch.no_grad():
        people = float(model.eval()(torch.rand(1, 3, 50, 70)).count)
        last = [each for each in model.modules() if isinstance(each, torch.nn.Conv2d)][-1]
        last.bias += 20 / (50 * 70) * 2000  # softplus of it over the expansion, a pixel
        assert float(model(torch.rand(1, 3, 50, 70)).count) > max(5, people)
    folder = tmp_path_factory.mktemp("crowded")
    model.save(folder)
    return ["--model", str(folder), "--device", "cpu"]


@pytest.fixture
def zones(tmp_path):
    file = tmp_path / "zones.json"
    file.write_text(json.dumps(HALVES))
    return file


@pytest.mark.parametrize("method", [[], ["--method", "peaks"]], ids=["transport", "peaks"])
def test_points_are_written_as_annotations_and_drawn(method, photos, crowded, tmp_path, capsys):
    plain, out = tmp_path / "plain", tmp_path / "out"
    assert main(["count", str(photos), *crowded, "--out", str(plain)]) == 0
    capsys.readouterr()
    assert main(["count", str(photos), *crowded, "--out", str(out), "--points", *method, "--json"]) == 0
    images = json.loads(capsys.readouterr().out)["images"]
    assert sorted(each.name for each in out.iterdir()) == ["a-points.csv", "a.png", "b-points.csv", "b.png"]
    for row in images:
        heads = read_points(row["points_file"])
        assert heads.tolist() == row["points"]
        assert len(heads) == round(row["count"]) if not method else len(heads) <= round(row["count"])
        assert ((heads >= 0) & (heads <= torch.tensor([70.0, 50.0]))).all()
    if not method:
        assert (out / "a.png").read_bytes() != (plain / "a.png").read_bytes()
        # They go with the photographs as they are.
        (photos / "a.csv").write_text((out / "a-points.csv").read_text())
        (photos / "b.csv").write_text("x,y\n")
        assert CrowdFolder(photos).count(0) == len(images[0]["points"])


def test_zones_partition_the_count_and_are_drawn(photos, crowded, zones, tmp_path, capsys):
    out, table = tmp_path / "out", tmp_path / "counts.csv"
    arguments = ["count", str(photos), *crowded, "--zones", str(zones)]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["images"]
    for row in report:
        assert list(row["zones"]) == ["left", "right"]
        assert sum(row["zones"].values()) == pytest.approx(row["count"], abs=0.02)
    assert main([*arguments, "--out", str(out), "--csv", str(table), "--points"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("in ")[-1] for line in lines[1:3]] == ["left", "right"]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["zone right"]) for row in rows] == [row["zones"]["right"] for row in report]
    assert rows[1]["points_file"] == str(out / "b-points.csv")
    with Image.open(out / "a.png") as picture:
        bright = torch.tensor(list(picture.tobytes())).view(50, 70, 3).amin(dim=2)
        assert bright[5:15, 35].min() > 150  # the line between the two


def test_nothing_of_it_without_the_options(photos, crowded, capsys):
    assert main(["count", str(photos), *crowded, "--json"]) == 0
    assert not {"points", "points_file", "zones"} & set(json.loads(capsys.readouterr().out)["images"][0])


@pytest.mark.parametrize(
    ("more", "content", "message"),
    [
        (["--points"], None, "--points: expected --out or --json with it"),
        (["--method", "peaks"], None, "--method: expected --points with it"),
        (
            [],
            {"a": [[0, 0], [80, 0], [0, 50]]},
            "a.jpg: zone 'a': expected corners on the image, x from 0 to 70",
        ),
        ([], {"a": [[0, 0], [9, 9], [9, 0], [0, 9]]}, "zone 'a': expected sides that do not meet"),
        ([], "[", "expected JSON"),
    ],
)
def test_mistakes_are_told_before_anything_is_counted(more, content, message, photos, crowded, zones, capsys):
    if content is not None:
        zones.write_text(content if isinstance(content, str) else json.dumps(content))
        more = [*more, "--zones", str(zones)]
    assert main(["count", str(photos), *crowded, *more]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert not captured.out


def test_a_broken_file_is_skipped_as_ever(photos, crowded, zones, capsys):
    (photos / "c.png").write_bytes(b"broken")
    assert main(["count", str(photos), *crowded, "--zones", str(zones), "--points", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert len(report["images"]) == 2
    assert "c.png" in report["skipped"][0]
