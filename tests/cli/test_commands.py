import csv
import json
import subprocess
import sys
import time

import pytest
from PIL import Image

from crowdkit.cli import main
from crowdkit.models import create_model


def _json(capsys):
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name, size in (("a.jpg", (70, 50)), ("b.png", (64, 64)), ("more/a.png", (40, 48))):
        Image.new("RGB", size, (120, 90, 60)).save(folder / name)
    return folder


@pytest.fixture
def labeled(photos):
    (photos / "more/a.png").unlink()
    for name, heads in (("a", [(3.5, 4.5), (20, 30), (20, 30)]), ("b", [])):
        (photos / f"{name}.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in heads))
    return photos


@pytest.mark.parametrize("command", ["train", "evaluate", "count", "check", "demo"])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f"example:\n  crowdkit {command}" in text


def test_help_is_quick_and_loads_no_torch():
    code = "import sys; from crowdkit.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert 'torch' not in sys.modules, 'torch'"
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "crowdkit demo" in done.stdout
    assert time.monotonic() - start < 10  # a fraction of a second on an idle machine


def test_train_evaluate_and_count(tiny_settings, tmp_path, photos, capsys):
    run = str(tmp_path / "run")
    arguments = ["train", "--run", run, "--device", "cpu", "--quiet", "--json", "--set", *tiny_settings]
    assert main(arguments) == 0
    trained = _json(capsys)
    assert (trained["finished"], trained["steps"], trained["folder"]) == (True, 3, run)

    assert main(arguments) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["train", "--run", run, "--resume", "--quiet"]) == 0
    assert "best validation MAE" in capsys.readouterr().out

    assert main(["evaluate", run, "--device", "cpu", "--json"]) == 0
    found = _json(capsys)
    assert found["model"]["split"] == "val"
    assert found["model"]["mae"] == pytest.approx(trained["best_mae"], abs=1e-6)
    assert found["mean"]["images"] == found["model"]["images"] == 2
    assert main(["evaluate", run, "--device", "cpu", "--split", "test"]) == 0
    text = capsys.readouterr().out
    assert "split test: 8 images" in text
    assert "predict mean" in text

    assert main(["count", str(photos), "--model", run, "--device", "cpu", "--json"]) == 0
    assert len(_json(capsys)["images"]) == 2


def test_parts_are_evaluated_one_by_one(shanghaitech, model_folder, capsys):
    data = ["--data", "dataset=shanghaitech", f"root={shanghaitech}"]
    alone = []
    for part in "AB":
        assert main(["evaluate", str(model_folder), "--device", "cpu", "--json", *data, f"part={part}"]) == 0
        alone.append(_json(capsys)["model"])
    assert main(["evaluate", str(model_folder), "--device", "cpu", "--json", *data, "part=AB"]) == 0
    both = [each["model"] for each in _json(capsys)["parts"]]
    for one, other in zip(both, alone, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert main(["evaluate", str(model_folder), "--device", "cpu", *data, "part=AB"]) == 0
    text = capsys.readouterr().out
    assert text.count("predict mean") == 2
    assert text.index("part_A") < text.index("part_B")


def test_count_writes_overlays_and_a_table(photos, model_folder, tmp_path, capsys):
    out, table = tmp_path / "out", tmp_path / "counts.csv"
    places = [str(photos / "a.jpg"), str(photos / "more")]
    arguments = ["count", *places, "--model", str(model_folder), "--out", str(out), "--csv", str(table)]
    assert main([*arguments, "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("a.jpg")
    assert lines[2].endswith("in 2 images")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["height"], row["width"]) for row in rows] == [("50", "70"), ("48", "40")]
    assert sorted(path.name for path in out.iterdir()) == ["a-2.png", "a.png"]
    with Image.open(rows[0]["overlay"]) as picture:
        assert picture.size == (70, 50)


def test_count_in_tiles_gives_the_same(photos, tmp_path, capsys):
    create_model("mcnn").save(tmp_path / "mcnn")
    arguments = ["count", str(photos), "--model", str(tmp_path / "mcnn"), "--device", "cpu", "--json"]
    assert main(arguments) == 0
    whole = _json(capsys)["images"]
    assert main([*arguments, "--tile", "24", "--readers", "0"]) == 0
    tiled = _json(capsys)["images"]
    assert [row["tiles"] for row in whole] == [1, 1]
    assert [row["tiles"] for row in tiled] == [9, 9]
    for one, other in zip(whole, tiled, strict=True):
        assert other["count"] == pytest.approx(one["count"], abs=0.01)


def test_count_refuses_tiles_that_would_change_the_count(photos, model_folder, capsys):
    arguments = ["count", str(photos), "--model", str(model_folder), "--device", "cpu"]
    assert main([*arguments, "--tile", "32"]) == 2  # squeeze and excitation look at the whole image
    assert "--approximate" in capsys.readouterr().err
    assert main([*arguments, "--tile", "32", "--approximate"]) == 0
    with pytest.raises(SystemExit):
        main([*arguments, "--tile", "large"])
    assert "expected auto, none or a number of pixels, got 'large'" in capsys.readouterr().err


def test_count_skips_what_it_cannot_read_and_says_so(photos, model_folder, capsys):
    (photos / "c.png").write_bytes(b"broken")
    arguments = ["count", str(photos), "--model", str(model_folder), "--device", "cpu", "--json"]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert len(report["images"]) == 2
    assert "c.png" in report["skipped"][0]
    assert "skipped:" in captured.err


def test_check_tells_totals_and_faults(labeled, capsys):
    assert main(["check", "folder", str(labeled)]) == 0
    text = capsys.readouterr().out
    assert "images      2" in text
    assert "people      3, 0 to 3 an image" in text
    assert "duplicates  1 " in text
    (labeled / "c.png").write_bytes(b"broken")
    (labeled / "c.csv").write_text("x,y\n")
    assert main(["check", "folder", str(labeled), "--json"]) == 1
    report = _json(capsys)
    assert report["ok"] is False
    assert any(issue["kind"] == "unreadable image" for issue in report["issues"])


def test_evaluate_a_model_on_a_folder(labeled, model_folder, capsys):
    model = str(model_folder)
    assert main(["evaluate", model]) == 2
    assert "--data dataset=folder" in capsys.readouterr().err
    data = ["--data", "dataset=folder", f"root={labeled}", "sigma=3", "val_fraction=0.5"]
    assert main(["evaluate", model, *data, "--device", "cpu"]) == 0
    assert "sigma 3, stride 4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "none.toml"], "expected a TOML file"),
        (["train", "--set", "run.epoch=3"], "did you mean 'run.epochs'"),
        (["train"], "data.root"),
        (["train", "--set", "data.root=nowhere"], "nowhere"),
        (["check", "shanghaitech", "nowhere"], "nowhere"),
        (["count", "a.jpg", "--model", "nowhere"], "nowhere"),
        (["evaluate", "nowhere", "--data", "root=nowhere"], "nowhere"),
        (["demo", "--device", "graphics"], "expected 'auto'"),
    ],
)
def test_mistakes_end_with_a_sentence_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert "Traceback" not in error


def test_count_never_writes_over_a_photograph(photos, model_folder, capsys):
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    model = ["--model", str(model_folder), "--device", "cpu"]
    for places, message in (
        (["--out", str(photos)], "--out: expected a folder without the photographs"),
        (["--csv", str(photos / "a.jpg")], "--csv: expected a file of its own"),
        (["--csv", str(photos / "nowhere" / "counts.csv")], "--csv: expected a file in a folder that exists"),
    ):
        assert main(["count", str(photos), *model, *places]) == 2
        assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def test_evaluate_says_that_a_folder_is_not_there(capsys):
    assert main(["evaluate", "nonsense"]) == 2
    assert "got nonsense, which does not exist" in capsys.readouterr().err
