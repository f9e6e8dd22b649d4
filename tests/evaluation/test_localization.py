"""``evaluate(points=...)`` and ``crowdkit evaluate --points``."""

import json

import pytest
import torch

from crowdkit.cli import main
from crowdkit.counting import locate
from crowdkit.data import SyntheticCrowd, density_target, resolve_sigma
from crowdkit.errors import ArgumentError, UnknownNameError
from crowdkit.evaluation import evaluate, results_table
from crowdkit.metrics import localization
from crowdkit.models import CrowdModel, create_model
from crowdkit.prediction import Prediction

SCENES = SyntheticCrowd(4, size=(64, 96), people=(0, 12), split="val")


class Half(CrowdModel):
    """Sees the true map of the scene it is shown, on the left half alone."""

    name = "half"
    stride = 4

    def __init__(self):
        super().__init__()
        self.config = {}
        self.known = {}
        for index in range(len(SCENES)):
            sample = SCENES[index]
            truth = density_target(sample, resolve_sigma("auto", SCENES), self.stride)[None].clone()
            truth[..., 12:] = 0
            self.known[float(sample.image.double().sum())] = truth

    def forward(self, images):
        return Prediction(self.known[float(images.double().sum())])


@pytest.mark.parametrize("method", ["transport", "peaks"])
def test_figures_are_those_of_the_metrics(method):
    model = Half()
    result = evaluate(model, SCENES, points=method, distances=[3, 9], device="cpu")
    points, heads = [], []
    for index in range(len(SCENES)):
        sample = SCENES[index]
        points.append(locate(model(sample.image[None]).density, stride=4, size=(64, 96), method=method))
        heads.append(sample.points)
    assert [(each.method, each.distance) for each in result.localization] == [(method, 3.0), (method, 9.0)]
    for each in result.localization:
        scores = localization(points, heads, threshold=each.distance)
        assert (each.precision, each.recall, each.f1) == pytest.approx(tuple(map(float, scores)))
    near, far = result.localization
    assert 0 < near.f1 <= far.f1 < 1
    assert far.recall < far.precision
    text = results_table({"half": result, "other": evaluate(model, SCENES, device="cpu")})
    assert f"heads located by {method}" in text
    [row] = [line for line in text.splitlines() if line.startswith("F1 (9 px)")]
    assert row.split()[-2:] == [f"{far.f1:.3f}", "-"]


def test_nothing_is_located_unless_asked():
    result = evaluate(Half(), SCENES, device="cpu")
    assert result.localization == ()
    assert "located" not in str(result)


def test_bad_input_is_told_in_words():
    with pytest.raises(UnknownNameError, match="points: expected one of 'peaks', 'transport'"):
        evaluate(Half(), SCENES, points="peak", device="cpu")
    with pytest.raises(ArgumentError, match="threshold: expected"):
        evaluate(Half(), SCENES, points="peaks", distances=[0], device="cpu")


def test_on_the_command_line(tmp_path, capsys):
    torch.manual_seed(0)
    model = create_model("mcnn", output="softplus")
    with torch.no_grad():
        [each for each in model.modules() if isinstance(each, torch.nn.Conv2d)][-1].bias += 8.0
    model.save(tmp_path / "model")
    data = [
        "--data",
        "dataset=synthetic",
        "options={length=2, size=[48, 64], people=[3, 6]}",
        "val_fraction=0.5",
    ]
    arguments = ["evaluate", str(tmp_path / "model"), *data, "--device", "cpu"]
    assert main([*arguments, "--points", "--method", "peaks", "--distances", "16", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["model"]["localization"]
    assert (found["method"], found["distance"]) == ("peaks", 16.0)
    assert main([*arguments, "--points"]) == 0
    assert "recall (8 px)" in capsys.readouterr().out
    assert main([*arguments, "--distances", "3"]) == 2
    assert "--distances: expected it together with --points" in capsys.readouterr().err
