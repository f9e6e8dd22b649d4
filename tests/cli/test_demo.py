import json

import pytest
from PIL import Image

from crowdkit.cli import demo_parts, main


@pytest.fixture
def short(monkeypatch, tmp_path):
    """A demo of a few steps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_parts, "SIZE", (64, 64))
    monkeypatch.setattr(demo_parts, "TRAINING", 12)
    monkeypatch.setattr(demo_parts, "HELD_OUT", 5)
    monkeypatch.setattr(demo_parts, "_LEAST_EPOCHS", 2)
    monkeypatch.setattr(demo_parts, "_MOST_EPOCHS", 2)


def test_the_demo_runs_from_nothing_to_a_picture(short, tmp_path, capsys):
    assert main(["demo", "--device", "cpu", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["epochs"], report["steps"]) == (2, 2)
    assert report["model"]["split"] == "test"
    assert report["model"]["images"] == report["mean"]["images"] == 5
    for name in ("mae", "rmse", "nae", "ssim", "psnr", "background_ratio"):
        assert report["model"][name] is not None
        assert report["mean"][name] is not None
    with Image.open(tmp_path / report["picture"]) as picture:
        assert picture.width > 5 * 240

    # What it leaves is a run like any other, and a second demo goes elsewhere.
    assert main(["evaluate", "crowdkit-demo", "--device", "cpu"]) == 0
    assert "split val" in capsys.readouterr().out
    assert main(["demo", "--device", "cpu", "--minutes", "0.001"]) == 0
    text = capsys.readouterr().out
    assert "predict mean" in text
    assert "crowdkit-demo-2" in text


def test_the_length_of_the_demo_follows_the_time_given(short, monkeypatch, tmp_path):
    monkeypatch.setattr(demo_parts, "_MOST_EPOCHS", 50)
    from crowdkit.training import open_split

    config = demo_parts.demo_config(tmp_path, seed=0, device="cpu", epochs=1)
    scenes = open_split(config.data, "train")
    assert demo_parts.affordable_epochs(config, scenes, seconds=0.001) == 2
    assert demo_parts.affordable_epochs(config, scenes, seconds=10_000) == 50
