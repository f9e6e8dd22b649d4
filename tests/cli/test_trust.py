"""What ``crowdkit count`` says of a count besides the number, and every kind of file that it may meet."""

import csv
import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from crowdkit.calibration import Calibration, CountInterval, Domain, HeldOut, write_calibration
from crowdkit.cli import demo_bundled, main
from crowdkit.models import WeightsCard, create_model, weights

CALIBRATION = Calibration(
    interval=CountInterval(coverage=0.9, power=1.0, lower=-0.2, upper=0.5, images=25),
    domain=Domain(bounds={"brightness": (0.2, 0.8), "megapixels": (0.001, None)}, images=100, share=0.05),
    held_out=(HeldOut(name="a", people=3, estimate=3.5, megapixels=0.1),),
)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A folder with the bundle of a random MCNN, called as the default is."""
    folder = tmp_path_factory.mktemp("bundled")
    path = folder / "shanghaitech.safetensors"
    save_file(create_model("mcnn").state_dict(), path)
    card = WeightsCard(
        name="shanghaitech",
        model="mcnn",
        options={},
        file=path.name,
        sha256=sha256(path.read_bytes()).hexdigest(),
        bytes=path.stat().st_size,
        encoder="none",
        seed=0,
        data=[],
        recipe={},
        versions={},
        validation=[],
        calibration=CALIBRATION.to_dict(),
    )
    card.write(folder)
    return folder


@pytest.fixture
def bundled(bundles, monkeypatch):
    monkeypatch.setattr(weights, "BUNDLED", bundles)
    return bundles


@pytest.fixture
def gray_square(tmp_path):
    path = tmp_path / "square.png"
    Image.new("RGB", (60, 40), (128, 128, 128)).save(path)
    return path


def count(capsys, *arguments):
    code = main(["count", *map(str, arguments), "--device", "cpu"])
    return code, capsys.readouterr()


def test_without_weights_in_the_box_a_model_must_be_named(gray_square, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "none")
    code, said = count(capsys, gray_square)
    assert code == 2
    assert said.err.startswith("error: model: expected the folder of a model or a run, got none")


def test_the_bundled_model_is_the_default(bundled, gray_square, capsys):
    code, said = count(capsys, gray_square, "--json")
    assert code == 0
    assert count(capsys, gray_square, "--json", "--model", "shanghaitech")[1].out == said.out
    assert count(capsys, gray_square, "--json", "--model", bundled / "shanghaitech.json")[1].out == said.out
    [row] = json.loads(said.out)["images"]
    lower, upper = CALIBRATION.interval(row["count"])
    assert (row["lower"], row["upper"]) == pytest.approx((lower, upper), abs=0.02)
    assert row["unusual"] == []


def test_the_bundled_model_is_measured_on_anybodys_data(bundled, capsys, monkeypatch, tmp_path):
    scenes = ["--data", "dataset=synthetic", "options.length=20", "options.size=[64, 64]"]
    assert main(["evaluate", "shanghaitech", *scenes, "--device", "cpu", "--json"]) == 0
    by_name = json.loads(capsys.readouterr().out)["model"]
    by_name.pop("seconds")
    assert main(["evaluate", str(bundled / "shanghaitech.json"), *scenes, "--device", "cpu", "--json"]) == 0
    by_card = json.loads(capsys.readouterr().out)["model"]
    assert {key: by_card[key] for key in by_name} == by_name
    assert by_name["images"] > 0
    # A run's folder that is called like the weights is another thing, and so is its data.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shanghaitech").mkdir()
    (tmp_path / "shanghaitech/config.toml").write_text("[data]\n")
    for arguments, message in (
        ([], "--data: expected the data for the model shanghaitech, got nothing"),
        ([*scenes, "--calibrate"], "--calibrate: expected the folder of a run or a model, got shanghaitech"),
    ):
        assert main(["evaluate", "shanghaitech", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_the_bundled_model_is_exported(bundled, tmp_path, capsys):
    path = tmp_path / "crowd.pt2"
    assert main(["export", "shanghaitech", "--out", str(path), "--size", "64", "80", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metadata"]["model"] == "mcnn"
    image = torch.rand(1, 3, 64, 80)
    with torch.no_grad():
        expected = create_model("mcnn", weights=bundled / "shanghaitech.json").eval()(image).density
    torch.testing.assert_close(torch.export.load(path).module()(image), expected)


def test_the_interval_stands_beside_the_count(bundled, gray_square, tmp_path, capsys):
    table = tmp_path / "counts.csv"
    _, said = count(capsys, gray_square, "--csv", table)
    [line] = said.out.splitlines()
    number, lower, to, upper, path = line.split()
    assert (to, path) == ("to", str(gray_square))
    assert float(lower) <= float(number) <= float(upper)
    assert "for 90% of images like the 25" in said.err
    with table.open(newline="") as file:
        [row] = csv.DictReader(file)
    assert [f"{float(row[key]):.1f}" for key in ("count", "lower", "upper")] == [number, lower, upper]
    assert row["unusual"] == ""


def test_an_unusual_image_is_flagged_with_the_reason(bundled, tmp_path, capsys):
    path, table = tmp_path / "dark.png", tmp_path / "counts.csv"
    Image.new("RGB", (30, 20), (9, 9, 9)).save(path)
    code, said = count(capsys, path, "--csv", table)
    assert code == 0
    first, second = said.out.splitlines()
    assert first.endswith("dark.png")
    assert second.strip() == (
        "unlike what the model has seen: brightness 0.04, seen 0.20 to 0.80; 0.00 megapixels, seen at least 0.00"
    )
    with table.open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["unusual"].startswith("brightness 0.04")
    assert len(json.loads(count(capsys, path, "--json")[1].out)["images"][0]["unusual"]) == 2


def test_a_model_without_a_calibration_has_no_interval(model_folder, gray_square, capsys):
    _, said = count(capsys, gray_square, "--model", model_folder)
    assert said.out.split()[1:] == [str(gray_square)]
    assert said.err == ""
    [row] = json.loads(count(capsys, gray_square, "--model", model_folder, "--json")[1].out)["images"]
    assert not {"lower", "upper", "unusual"} & set(row)


def test_a_runs_own_calibration_is_used(gray_square, tmp_path, capsys):
    best = tmp_path / "run/best"
    create_model("mcnn").save(best)
    interval = replace(CALIBRATION.interval, lower=-1.0)
    write_calibration(replace(CALIBRATION, interval=interval), best)
    [row] = json.loads(count(capsys, gray_square, "--model", tmp_path / "run", "--json")[1].out)["images"]
    assert row["lower"] == 0.0
    create_model("mcnn").save(best)
    code, said = count(capsys, gray_square, "--model", tmp_path / "run")
    assert code == 2
    assert "expected the calibration of the weights beside it" in said.err


def test_evaluate_calibrates_a_run(tiny_settings, tmp_path, gray_square, capsys):
    run = str(tmp_path / "run")
    more = ["data.options={length = 40, size = [64, 80], people = [1, 12]}", "data.val_fraction=0.5"]
    assert main(["train", "--run", run, "--device", "cpu", "--quiet", "--set", *tiny_settings, *more]) == 0
    capsys.readouterr()
    assert main(["evaluate", run, "--calibrate", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "90% intervals fitted on 20 held-out images" in said
    assert "too few held-out images" in said
    assert "calibration.json" in said
    [row] = json.loads(count(capsys, gray_square, "--model", run, "--json")[1].out)["images"]
    assert row["lower"] <= row["upper"]
    assert main(["evaluate", run, "--calibrate", "--json", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["interval"]["images"] == 20


def _turned(path, pixels):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels).copy()).save(path, quality=95, exif=exif.tobytes())


# Whatever a file is called and however it keeps them, these are the same pixels.
WRITERS = {
    "plain.jpg": lambda path, pixels: Image.fromarray(pixels).save(path, quality=95),
    "plain.png": lambda path, pixels: Image.fromarray(pixels).save(path),
    "gray.jpg": lambda path, pixels: Image.fromarray(pixels[..., 0]).save(path, quality=95),
    "cmyk.jpg": lambda path, pixels: Image.fromarray(pixels).convert("CMYK").save(path, quality=95),
    "turned.jpg": _turned,
    "sixteen.png": lambda path, pixels: Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(path),
    "alpha.png": lambda path, pixels: Image.fromarray(np.dstack([pixels, pixels[..., 0]])).save(path),
    "gray-alpha.png": lambda path, pixels: Image.merge("LA", [Image.fromarray(pixels[..., 0])] * 2).save(
        path
    ),
    "palette.png": lambda path, pixels: Image.fromarray(pixels[..., 0]).convert("P").save(path),
    "plain.webp": lambda path, pixels: Image.fromarray(pixels).save(path, lossless=True),
    "plain.bmp": lambda path, pixels: Image.fromarray(pixels).save(path),
    "plain.tif": lambda path, pixels: Image.fromarray(pixels).save(path),
    "packed.tiff": lambda path, pixels: Image.fromarray(pixels).save(path, compression="tiff_deflate"),
}


def test_every_kind_of_file_is_counted_alike_and_a_broken_one_is_told(bundled, tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    rows, columns = np.mgrid[:48, :72]
    gray = (128 + 60 * np.sin(rows / 5) * np.cos(columns / 7)).astype(np.uint8)
    for name, write in WRITERS.items():
        write(folder / name, np.dstack([gray] * 3))
    (folder / "broken.jpg").write_bytes((folder / "plain.jpg").read_bytes()[:700])
    (folder / "text.png").write_text("not an image")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("not looked at")

    code, said = count(capsys, folder, folder / "missing.jpg", "--json", "--out", tmp_path / "out")
    assert code == 1
    report = json.loads(said.out)
    found = {row["path"].rpartition("/")[2]: row for row in report["images"]}
    assert sorted(found) == sorted(WRITERS)
    assert {(row["height"], row["width"]) for row in found.values()} == {(48, 72)}
    exact = found["plain.png"]["count"]
    for name, row in found.items():
        assert row["count"] == pytest.approx(exact, rel=0.01), name
        with Image.open(row["overlay"]) as overlay:
            assert overlay.size == (72, 48)
    for name in ("broken.jpg", "text.png", "empty.jpg", "missing.jpg"):
        assert any(name in message for message in report["skipped"]), name
        assert f"{name}: expected" in said.err
    assert len(report["skipped"]) == 4
    assert report["total"] == pytest.approx(sum(row["count"] for row in found.values()), abs=0.01)


def test_the_demo_counts_with_the_bundled_model_too(bundled, tmp_path, monkeypatch):
    found = demo_bundled.count_a_scene(tmp_path, seed=0, device="cpu")
    assert found["people"] == 80
    assert found["interval"] == pytest.approx(CALIBRATION.interval(found["count"]))
    with Image.open(found["picture"]) as picture:
        assert picture.size == (512, 384)
    text = demo_bundled.told({**found, "unusual": ["contrast 0.01, seen 0.10 to 0.40"]})
    assert "in a synthetic scene of 80" in text
    assert "unlike its photographs: contrast 0.01" in text
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "none")
    assert demo_bundled.count_a_scene(tmp_path, seed=0, device="cpu") is None
