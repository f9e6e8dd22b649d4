"""``crowdkit count``: what it is pointed at, where it writes, and what it says of the rest."""

import csv
import json
import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from crowdkit.cli import main
from crowdkit.models import create_model


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.jpg", "more/b.png"):
        Image.new("RGB", (40, 32), (120, 90, 60)).save(folder / name)
    return folder


@pytest.fixture
def count(model_folder, capsys):
    def run(*arguments, model=model_folder):
        code = main(["count", *map(str, arguments), "--model", str(model), "--device", "cpu"])
        return code, capsys.readouterr()

    return run


def _paths(said):
    return [Path(row["path"]).name for row in json.loads(said.out)["images"]]


def test_folders_within_patterns_and_lists(count, photos):
    assert _paths(count(photos, "--json")[1]) == ["a.jpg"]
    assert _paths(count(photos, "--recursive", "--json")[1]) == ["a.jpg", "b.png"]
    assert _paths(count(f"{photos}/*/*.png", "--json")[1]) == ["b.png"]
    (photos / "list.txt").write_text("more/b.png\na.jpg\n")
    assert _paths(count(photos / "list.txt", "--json")[1]) == ["b.png", "a.jpg"]


def test_what_is_no_photograph_is_reported_in_a_line_and_the_rest_counted(count, photos, tmp_path):
    (photos / "v.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 99)
    torch.save({}, photos / "w.pth")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "more/b.png").rename(photos / "more" / os.fsdecode(b"\xe9\n.png"))
    given = [
        photos,
        photos / "v.mp4",
        photos / "w.pth",
        photos / "more",
        photos / "void*.jpg",
        "rtsp://127.0.0.1/a",
    ]
    table = tmp_path / "counts.csv"
    code, said = count(*given, "--csv", table, "--out", tmp_path / "out")
    assert code == 1
    lines = said.out.splitlines()
    assert [Path(line).name for line in lines[:2]] == ["a.jpg", "\\udce9\\n.png"]
    assert lines[2].endswith("in 2 images")
    skipped = [line for line in said.err.splitlines() if line.startswith("skipped: ")]
    words = [
        "a pipe (FIFO)",
        "a video; video comes with the extra",
        "weights of a model",
        "got none",
        "a live stream",
    ]
    assert len(skipped) == len(words)
    for line, word in zip(skipped, words, strict=True):
        assert word in line
    with table.open(newline="", encoding="utf-8") as file:
        assert [row["count"] for row in csv.DictReader(file)] != []
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_places_to_write_to_are_tried_before_the_counting(count, photos, tmp_path, monkeypatch):
    monkeypatch.setattr("crowdkit.counting.Counter.__init__", lambda *_, **__: pytest.fail("counted"))
    file = tmp_path / "file"
    file.write_text("keep")
    for arguments, words in (
        (["--csv", tmp_path], f"--csv: expected a file to write to, got {tmp_path}: Is a directory"),
        (["--csv", tmp_path / "none/counts.csv"], "--csv: expected a file in a folder that exists"),
        (["--csv", photos / "a.jpg"], "--csv: expected a file of its own, got the photograph"),
        (["--out", file], f"--out: expected a folder to write to, got {file}: Not a directory"),
        (["--out", file / "deeper"], "--out: expected a folder to write to"),
        (["--out", "/proc/none"], "--out: expected a folder to write to"),
    ):
        code, said = count(photos, *arguments)
        assert (code, said.out) == (2, "")
        assert said.err.startswith(f"error: {words}"), said.err
        assert said.err.count("\n") == 1
    assert file.read_text() == "keep"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "photos"]


def test_a_table_that_is_there_stays_until_the_new_one_is_written(count, photos, tmp_path):
    table = tmp_path / "counts.csv"
    table.write_text("keep")
    assert count(photos, "--csv", table, model=tmp_path / "none")[0] == 2
    assert table.read_text() == "keep"
    assert count(photos, "--csv", table)[0] == 0
    assert table.read_text().startswith("path,count,height")


def test_a_device_that_torch_lacks_is_one_line(photos, model_folder, capsys):
    for device in ("mps", "meta", "xpu"):
        assert main(["count", str(photos), "--model", str(model_folder), "--device", device]) == 2
        said = capsys.readouterr()
        assert said.err.startswith("error: device: expected one that this torch computes on, got")
        assert said.err.count("\n") == 1


def test_weights_named_as_a_model_are_called_what_they_are(count, photos):
    torch.save({}, photos / "w.pth")
    code, said = count(photos, model=photos / "w.pth")
    assert code == 2
    assert said.err.startswith(
        f"error: model: expected the folder of a model or a run, got the file {photos / 'w.pth'}"
    )


def test_a_network_that_gives_what_is_no_number_is_reported(count, photos, tmp_path):
    model = create_model("mcnn")
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    model.save(tmp_path / "model")
    code, said = count(photos, "--json", model=tmp_path / "model")
    assert code == 1
    report = json.loads(said.out)
    assert (report["images"], report["total"]) == ([], 0)
    assert "a.jpg: expected a density map of numbers, got 80 of 80 cells from mcnn" in report["skipped"][0]
    assert count(photos, model=tmp_path / "model")[1].out == ""
