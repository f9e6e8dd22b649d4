"""CFANet: the paper's wiring, its ablations, its output and its errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from crowdkit.errors import ArgumentError, ConfigError, CrowdKitError, DTypeError, UnknownNameError
from crowdkit.losses import CFANetLoss
from crowdkit.models import CFANet, create_model, load_model
from crowdkit.targets import DensityLevels

SMALL: dict[str, dict[str, Any]] = {
    "cfanet": {
        "crr_widths": (8, 8, 8, 4),
        "dle_widths": (8, 8, 8, 4),
        "dme_widths": (16, 8, 8, 4),
        "init": "kaiming",
    },
    "cfanet_lite": {"encoder": "test_efficientnet"},
}


def small(name: str, **more: Any) -> Any:
    torch.manual_seed(0)
    return create_model(name, **{**SMALL[name], **more})


def test_density_loss_alone_reaches_both_branches() -> None:
    model = small("cfanet")
    model(torch.rand(1, 3, 32, 32)).density.sum().backward()
    for branch in (model.crr, model.dle):
        assert all(stage.weight.grad.abs().sum() > 0 for stage in branch.stages)
        assert all(head.weight.grad.abs().sum() > 0 for head in branch.heads)


def test_hard_levels_pass_no_gradient_to_the_dle() -> None:
    model = small("cfanet", hard_levels=True)
    model(torch.rand(1, 3, 32, 32)).density.sum().backward()
    assert all(p.grad is None for p in model.dle.parameters())
    assert all(stage.weight.grad.abs().sum() > 0 for stage in model.crr.stages)


def test_supervised_maps_come_after_the_reweighting() -> None:
    """With a zero bias, silencing attention halves a stage's linear map when every weight was 1."""
    model = small("cfanet", dle=False)
    images = torch.rand(1, 3, 32, 32)
    features = model.encoder(images)
    for stage in model.dme.stages[1:]:
        torch.nn.init.zeros_(stage.weight)
    ones = [torch.ones(1, 1, 4 * k, 4 * k) for k in (1, 2, 4, 8)]
    zeros = [torch.zeros_like(w) for w in ones]
    with_attention, without = model.dme(features, ones)[0], model.dme(features, zeros)[0]
    assert without.abs().sum() > 0
    torch.testing.assert_close(with_attention, 2 * without)


@pytest.mark.parametrize("crr", [True, False])
@pytest.mark.parametrize("dle", [True, False])
@pytest.mark.parametrize("supervision", [(4,), (3, 4), (2, 3, 4), (1, 2, 3, 4)])
def test_ablations_train(crr: bool, dle: bool, supervision: tuple[int, ...]) -> None:
    model = small("cfanet", crr=crr, dle=dle, supervision=supervision)
    prediction = model(torch.rand(1, 3, 32, 48))
    assert len(prediction.stages) == len(supervision) - 1
    assert len(prediction.region) == (4 if crr else 0)
    assert len(prediction.level) == (4 if dle else 0)
    target = torch.rand(1, 1, 32, 48) * 1e-3
    loss = CFANetLoss(DensityLevels.fit([target]) if dle else None)
    loss(prediction, target, progress=0.5).backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("levels", [4, 6, 8, 10])
def test_levels_of_table_nine(levels: int) -> None:
    assert small("cfanet", levels=levels)(torch.rand(1, 3, 16, 16)).level[-1].shape == (1, levels, 16, 16)


def test_output_activations() -> None:
    image = torch.rand(1, 3, 32, 32)
    for output in ("softplus", "abs", "relu"):
        model = small("cfanet", output=output)
        assert bool((model(image).density >= 0).all())
    # A softplus far below zero still learns; a ReLU does not.
    for output, learns in (("softplus", True), ("relu", False)):
        model = small("cfanet", output=output)
        torch.nn.init.constant_(model.dme.final.bias, -20.0)
        model(image).density.sum().backward()
        assert bool(model.dme.final.bias.grad.abs().sum() > 0) == learns


def test_expansion_is_divided_out() -> None:
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        fifty, hundred = (small("cfanet", expansion=e).eval()(image).count for e in (50.0, 100.0))
    torch.testing.assert_close(fifty, 2 * hundred)


def test_attention_for_a_picture() -> None:
    image = torch.rand(1, 3, 30, 41)
    with torch.no_grad():
        weight, region, level = small("cfanet_lite").eval().attention(image)
        assert weight.shape == region.shape == level.shape == (1, 1, 8, 11)
        torch.testing.assert_close(weight, region + level)
        weight, region, level = small("cfanet_lite", dle=False).eval().attention(image)
        assert level is None
        torch.testing.assert_close(weight, region)
        with pytest.raises(ArgumentError, match="expected a model with crr or dle"):
            small("cfanet_lite", crr=False, dle=False).attention(image)


def test_an_encoder_of_your_own() -> None:
    class Encoder(torch.nn.Module):
        channels, strides = (6, 4), (4, 2)

        def __init__(self) -> None:
            super().__init__()
            self.fine = torch.nn.Conv2d(3, 4, 2, stride=2)
            self.deep = torch.nn.Conv2d(4, 6, 2, stride=2)

        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            fine = self.fine(images)
            return [self.deep(fine), fine]

    model = CFANet(encoder=Encoder(), crr_widths=(4, 4), dle_widths=(4, 4), dme_widths=(4, 4))
    assert model(torch.rand(1, 3, 16, 24)).density.shape == (1, 1, 8, 12)
    with pytest.raises(ConfigError, match="a module of your own"):
        model.save("/nowhere/model")


@pytest.mark.parametrize("name", SMALL)
def test_level_edges_are_kept(name: str, tmp_path: Path) -> None:
    edges = [1e-5, 1e-4, 1e-3, 1e-2, 0.1]
    small(name, level_edges=edges).save(tmp_path)
    assert load_model(tmp_path).config["level_edges"] == edges


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_learns_by_its_own_loss(name: str) -> None:
    model = small(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = model(torch.rand(2, 3, 64, 64))
    target = torch.rand_like(prediction.density) * 1e-3 * model.stride**2
    loss = CFANetLoss(DensityLevels.fit([target], stride=model.stride), stride=model.stride)
    loss(prediction, target, progress=0.1).backward()
    dead = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert dead == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: create_model("cfanet", level=4),
            UnknownNameError,
            "keyword of cfanet.*did you mean 'levels'",
        ),
        (lambda: create_model("cfanet", levels=2.5), ArgumentError, "levels: expected a whole number >= 2"),
        (lambda: create_model("cfanet", crr="yes"), DTypeError, "crr: expected True or False, got 'yes'"),
        (lambda: create_model("cfanet", expansion="x"), ArgumentError, "expansion: expected a number > 0"),
        (lambda: small("cfanet_lite", encoder="ResNet18"), UnknownNameError, "'resnet18'"),
        (lambda: create_model("cfanet", expansion=0), ArgumentError, "expansion: expected a number > 0"),
        (
            lambda: create_model("cfanet", encoder="resnet18"),
            ArgumentError,
            "expected 4 features whose strides",
        ),
        (lambda: create_model("cfanet", crr_widths=(8,)), ArgumentError, "crr_widths: expected 4 stages"),
        (lambda: create_model("cfanet", level_edges=[1.0]), ArgumentError, "expected 5 for 6 levels, got 1"),
        (lambda: create_model("cfanet", supervision=(1, 2)), ArgumentError, "expected the last stage 4"),
    ],
)
def test_bad_input_is_told_in_words(
    call: Callable[[], object], error: type[CrowdKitError], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
