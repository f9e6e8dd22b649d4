"""``crowdkit export``."""

import json

import onnxruntime
import pytest
import torch

from crowdkit.cli import main
from crowdkit.models import create_model, load_model


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", "--help"])
    assert stop.value.code == 0
    assert "example:\n  crowdkit export" in capsys.readouterr().out


def test_a_folder_becomes_an_onnx_file(tmp_path, capsys):
    folder, path = tmp_path / "run" / "best", tmp_path / "crowd.onnx"
    create_model("mcnn", gray=True).save(folder)
    assert main(["export", str(folder.parent), "--out", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["path"], said["bytes"], said["size"]) == (str(path), path.stat().st_size, None)
    assert said["difference"] < 1e-4
    assert said["metadata"]["model"] == "mcnn"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = torch.rand(2, 3, 70, 90)
    [found] = session.run(["density"], {"images": images.numpy()})
    with torch.no_grad():
        expected = load_model(folder)(images).count
    torch.testing.assert_close(torch.from_numpy(found).sum((1, 2, 3)), expected, rtol=1e-4, atol=0)


def test_a_size_can_be_fixed_and_the_text_says_what_there_is(tmp_path, capsys):
    create_model("mcnn").save(tmp_path / "model")
    path = tmp_path / "crowd.pt2"
    assert main(["export", str(tmp_path / "model"), "--out", str(path), "--size", "50", "70"]) == 0
    text = capsys.readouterr().out
    assert "images: float32 (batch, 3, 50, 70), RGB in [0, 1]" in text
    assert "density: float32 (batch, 1, 13, 18), people per cell" in text
    assert "on images of 1 x 50 x 70, 3 x 50 x 70, in which it counts " in text
    assert torch.export.load(path).module()(torch.rand(2, 3, 50, 70)).shape == (2, 1, 13, 18)


def test_mistakes(tmp_path, capsys):
    create_model("mcnn").save(tmp_path / "model")
    for arguments, message in (
        (
            [str(tmp_path / "model"), "--out", str(tmp_path / "crowd.txt")],
            "path: expected one of '.onnx', '.pt2'",
        ),
        ([str(tmp_path / "none"), "--out", str(tmp_path / "crowd.pt2")], "none, which does not exist"),
        ([str(tmp_path / "model"), "--out", str(tmp_path / "a.pt2"), "--size", "0", "8"], "size: expected"),
    ):
        assert main(["export", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ")
        assert message in captured.err
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
