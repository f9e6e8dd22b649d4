"""Every example runs, on tiny settings, and does what its header says."""

import importlib.util
import math
import sys
from pathlib import Path

import pytest
import torch

from crowdkit.pictures import to_pil

FOLDER = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
RUNS = (
    "annotate_a_video",
    "bsl_in_your_model",
    "compose_a_network",
    "evaluate_a_model",
    "train_on_gpu",
    "your_own_targets",
)


def load(name):
    spec = importlib.util.spec_from_file_location(f"crowdkit_example_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested_here():
    assert set(NAMES) == set(RUNS)


@pytest.mark.parametrize("name", NAMES)
def test_the_header_tells_how_to_run_it(name, capsys):
    module = load(name)
    assert f"examples/{name}.py" in module.__doc__
    assert len((FOLDER / f"{name}.py").read_text().splitlines()) <= 120
    with pytest.raises(SystemExit) as stopped:
        module.main(["--help"])
    assert stopped.value.code == 0
    assert f"examples/{name}.py" in capsys.readouterr().out


def test_annotate_a_video(tmp_path):
    arguments = ["--out", str(tmp_path / "seen.mp4"), "--picture", str(tmp_path / "seen.png")]
    seen = load("annotate_a_video").main(
        [*arguments, "--seconds", "4", "--size", "180", "320", "--alert", "stairs > 0.5 for 1s"]
    )
    assert (seen["frames"], seen["events"][0].raised) == (20, True)
    assert set(seen["figures"]) == {"gate", "stairs"}
    assert 0.5 < seen["worst"].density < 6
    assert (tmp_path / "seen.png").stat().st_size > 1000


def test_bsl_in_your_model():
    seen = load("bsl_in_your_model").main(["--steps", "40", "--size", "64", "96"])
    assert all(map(math.isfinite, seen["losses"]))
    sparse, dense = seen["people"]
    assert dense > 2 * sparse > 10
    # The loss sharpens on the way, so the counts show what is learned: neither crowd has the mean's.
    assert seen["counts"] == pytest.approx(seen["people"], rel=0.4)


def test_your_own_targets_of_a_scene(tmp_path):
    seen = load("your_own_targets").main(["--out", str(tmp_path / "targets.png")])
    assert seen["sums"] == pytest.approx([seen["people"]] * 4, rel=1e-5)
    assert seen["out"].stat().st_size > 1000


def test_your_own_targets_of_your_own_points(tmp_path, capsys):
    to_pil(torch.rand(3, 60, 81)).save(tmp_path / "street.png")
    # The second head is moved onto the picture, the third is too far outside.
    (tmp_path / "heads.csv").write_text("x,y\n10.5,20\n81.2,30\n200,10\n40,59.9\n")
    seen = load("your_own_targets").main(
        [f"--image={tmp_path}/street.png", f"--points={tmp_path}/heads.csv", f"--out={tmp_path}/targets.png"]
    )
    assert seen["people"] == 3
    assert "(1 clamped, 1 dropped)" in capsys.readouterr().out
    assert seen["sums"] == pytest.approx([3] * 4, rel=1e-5)


@pytest.mark.parametrize("encoder", ["own", "resnet18"])
def test_compose_a_network(encoder):
    seen = load("compose_a_network").main(
        ["--encoder", encoder, "--steps", "12", "--scenes", "6", "--size", "64", "80"]
    )
    assert sum(seen["losses"][-3:]) < sum(seen["losses"][:3])
    assert seen["shape"] == (1, 1, 17, 24)


def test_train_then_evaluate(tmp_path, capsys):
    run = tmp_path / "run"
    options = ["--scenes", "10", "--epochs", "1", "--batch", "2", "--crop", "64", "64", "--run", str(run)]
    result = load("train_on_gpu").main(options)
    assert result.finished
    assert (run / "best" / "model.safetensors").is_file()
    assert "best validation MAE" in capsys.readouterr().out
    results = load("evaluate_a_model").main(
        ["--model", str(run / "best"), "--scenes", "4", "--out", str(tmp_path / "evaluation.png")]
    )
    assert results["model"].images == results["mean"].images == 4
    assert results["model"].split == "test"
    assert (tmp_path / "evaluation.png").stat().st_size > 1000
    assert "MAE" in capsys.readouterr().out


def test_evaluate_without_a_model_says_so(tmp_path, capsys):
    load("evaluate_a_model").main(["--scenes", "3", "--out", str(tmp_path / "evaluation.png")])
    assert "untrained" in capsys.readouterr().out


def test_an_example_leaves_no_module_behind():
    assert not any(name.startswith("crowdkit_example_") for name in sys.modules)
