"""``crowdkit count --explain``."""

import csv
import json

import pytest
from PIL import Image

from crowdkit.cli import main
from crowdkit.models import create_model


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, size in (("a.jpg", (70, 50)), ("a-explained.png", (64, 64))):
        Image.new("RGB", size, (120, 90, 60)).save(folder / name)
    return folder


def test_explain_draws_a_picture_beside_each_overlay(photos, model_folder, tmp_path, capsys):
    out, table = tmp_path / "out", tmp_path / "counts.csv"
    model = ["--model", str(model_folder), "--device", "cpu"]
    places = ["--out", str(out), "--csv", str(table)]
    assert main(["count", str(photos), *model, *places, "--explain", "--stage", "2", "--json"]) == 0
    images = json.loads(capsys.readouterr().out)["images"]
    names = {(row["overlay"].split("/")[-1], row["explained"].split("/")[-1]) for row in images}
    assert names == {
        ("a-explained.png", "a-explained-explained.png"),
        ("a.png", "a-explained-2.png"),
    }
    with table.open(newline="") as file:
        assert [row["explained"] for row in csv.DictReader(file)] == [row["explained"] for row in images]
    for row in images:
        with Image.open(row["explained"]) as page, Image.open(row["overlay"]) as overlay:
            assert page.width == 3 * 420 + 4 * 16
            assert overlay.size == (row["width"], row["height"])


def test_stage_and_channel_change_the_picture(photos, model_folder, tmp_path, capsys):
    pictures = {}
    for more in ([], ["--stage", "1"], ["--channel", "3"]):
        out = tmp_path / "-".join(["out", *more])
        arguments = ["count", str(photos / "a.jpg"), "--model", str(model_folder), "--device", "cpu"]
        assert main([*arguments, "--explain", "--out", str(out), *more]) == 0
        pictures[tuple(more)] = (out / "a-explained.png").read_bytes()
    assert len(set(pictures.values())) == 3
    assert "a.jpg" in capsys.readouterr().out


def test_without_explain_nothing_more_is_written(photos, model_folder, tmp_path, capsys):
    arguments = ["count", str(photos / "a.jpg"), "--model", str(model_folder), "--device", "cpu", "--json"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert "explained" not in json.loads(capsys.readouterr().out)["images"][0]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--explain"], "--explain: expected --out with it"),
        (["--out", "out", "--stage", "2"], "--stage: expected --explain with it"),
        (["--out", "out", "--channel", "2"], "--channel: expected --explain with it"),
        (["--out", "out", "--explain", "--stage", "9"], "stage: expected 1 or 2 or 3, got 9"),
        (["--out", "out", "--explain", "--channel", "99"], "channel: expected 0 to 7, got 99"),
    ],
)
def test_mistakes(more, message, photos, model_folder, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["count", str(photos), "--model", str(model_folder), "--device", "cpu", *more]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["mcnn", "cfanet_lite"])
def test_a_model_without_attention_is_told(name, photos, tmp_path, capsys):
    options = {"encoder": "test_efficientnet", "crr": False, "dle": False} if name == "cfanet_lite" else {}
    create_model(name, **options).save(tmp_path / "model")
    places = ["--model", str(tmp_path / "model"), "--out", str(tmp_path / "out")]
    assert main(["count", str(photos), *places, "--device", "cpu", "--explain"]) == 2
    assert "attention" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
