"""A model records its constructor's arguments by itself."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from crowdkit.errors import ConfigError
from crowdkit.models import CrowdModel, cfanet_lite, create_model, load_model
from crowdkit.prediction import Prediction


class Scaled(CrowdModel):
    name = "scaled"
    stride = 1

    def __init__(
        self,
        factor: float = 1.0,
        *,
        widths: Any = (1, 2),
        weights: str | Path | None = None,
        part: Any = None,
    ) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.given = (widths, weights, part)

    def forward(self, images: Tensor) -> Prediction:
        return Prediction(images.mean(dim=1, keepdim=True) * self.factor)


class Doubled(Scaled):
    def __init__(self, half: float) -> None:
        super().__init__(2 * half, widths=[4])


def test_arguments_are_recorded_as_json_can_hold_them():
    assert Scaled().config == {"factor": 1.0, "widths": [1, 2], "weights": None, "part": None}
    given = Scaled(3.0, widths=range(2), weights=Path("a") / "b").config
    assert given == {"factor": 3.0, "widths": [0, 1], "weights": str(Path("a") / "b"), "part": None}
    assert json.loads(json.dumps(given)) == given


def test_the_outermost_constructor_counts():
    assert Doubled(3.0).config == {"half": 3.0}


def test_what_a_constructor_takes_stays_visible():
    assert list(inspect.signature(Scaled).parameters) == ["factor", "widths", "weights", "part"]
    with pytest.raises(TypeError, match="factr"):
        Scaled(factr=1.0)


def test_a_function_that_makes_a_model_is_recorded_as_the_class():
    made = cfanet_lite(encoder="test_efficientnet", levels=4)
    assert made.name == "cfanet"
    assert made.config["levels"] == 4
    assert made.config["init"] == "kaiming"
    assert made.config["encoder_strides"] == [32, 16, 8, 4]
    again = create_model(made.name, **made.config)
    assert again.config == made.config


def test_a_record_may_be_completed_after_training(tmp_path):
    model = cfanet_lite(encoder="test_efficientnet", levels=3)
    model.config = {**model.config, "level_edges": [1e-5, 1e-3]}
    model.save(tmp_path)
    assert load_model(tmp_path).config["level_edges"] == [1e-5, 1e-3]


def test_a_module_of_ones_own_cannot_be_saved(tmp_path):
    with pytest.raises(ConfigError, match="a module of your own as encoder"):
        Scaled(part=nn.ReLU()).save(tmp_path)
