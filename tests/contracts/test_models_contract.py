"""What every model promises: a Prediction at its stride, any size, any batch, a folder that gives it back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from crowdkit.errors import (
    ArgumentError,
    ConfigError,
    CrowdKitError,
    DataError,
    DTypeError,
    ShapeError,
    UnknownNameError,
)
from crowdkit.losses import CFANetLoss
from crowdkit.models import CFANet, create_model, list_models, load_model
from crowdkit.prediction import Prediction
from crowdkit.targets import DensityLevels

# A model's name, the keywords that make it small here, and its stride.
ROWS: dict[str, tuple[dict[str, Any], int]] = {
    "cfanet": (
        {
            "crr_widths": (8, 8, 8, 4),
            "dle_widths": (8, 8, 8, 4),
            "dme_widths": (16, 8, 8, 4),
            "init": "kaiming",
        },
        1,
    ),
    "cfanet_lite": ({"encoder": "test_efficientnet"}, 4),
}


def small(name: str, **more: Any) -> Any:
    torch.manual_seed(0)
    return create_model(name, **{**ROWS[name][0], **more})


def parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_every_model_has_a_row() -> None:
    assert sorted(ROWS) == list_models()


@pytest.mark.parametrize("name", ROWS)
class TestContract:
    @pytest.mark.parametrize("size", [(64, 64), (65, 97), (33, 40), (7, 5)])
    def test_any_size_and_batch(self, name: str, size: tuple[int, int]) -> None:
        model, stride = small(name).eval(), ROWS[name][1]
        assert model.stride == stride
        with torch.no_grad():
            prediction = model(torch.rand(2, 3, *size))
        assert isinstance(prediction, Prediction)
        assert prediction.density.shape == (2, 1, -(-size[0] // stride), -(-size[1] // stride))
        assert bool((prediction.density >= 0).all())
        assert (prediction.stages, prediction.region, prediction.level) == ((), (), ())
        torch.testing.assert_close(prediction.count, prediction.density.sum((1, 2, 3)))

    def test_training_gives_every_stage(self, name: str) -> None:
        model, stride = small(name), ROWS[name][1]
        prediction = model(torch.rand(2, 3, 70, 90))
        size = (-(-70 // stride), -(-90 // stride))
        assert [s.shape[-2:] for s in prediction.stages] == [size] * 3
        factors = (8, 4, 2, 1)
        expected = [(-(-size[0] // f), -(-size[1] // f)) for f in factors]
        assert [r.shape for r in prediction.region] == [(2, 1, *s) for s in expected]
        assert [v.shape for v in prediction.level] == [(2, 6, *s) for s in expected]

    def test_batch_is_its_images_in_eval(self, name: str) -> None:
        model, images = small(name).eval(), torch.rand(3, 3, 48, 64)
        with torch.no_grad():
            together = model(images).density
            apart = torch.cat([model(each[None]).density for each in images])
        torch.testing.assert_close(together, apart, rtol=1e-3, atol=1e-7)

    def test_a_folder_gives_it_back(self, name: str, tmp_path: Path) -> None:
        model = small(name, level_edges=[1e-5, 1e-4, 1e-3, 1e-2, 0.1]).eval()
        model.save(tmp_path)
        again = load_model(tmp_path)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
        assert again.config == model.config
        assert not again.training
        image = torch.rand(1, 3, 50, 60)
        with torch.no_grad():
            assert torch.equal(again(image).density, model(image).density)

    def test_compiles_whole_and_exports(self, name: str) -> None:
        model, image = small(name).eval(), torch.rand(1, 3, 64, 96)
        with torch.no_grad():
            expected = model(image).density
            compiled = torch.compile(model, fullgraph=True, backend="aot_eager")(image).density
            exported = torch.export.export(model, (image,)).module()(image).density
        torch.testing.assert_close(compiled, expected, rtol=1e-3, atol=1e-7)
        torch.testing.assert_close(exported, expected, rtol=1e-3, atol=1e-7)

    def test_every_parameter_learns_under_autocast(self, name: str) -> None:
        model, stride = small(name), ROWS[name][1]
        images = torch.rand(2, 3, 64, 64)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            prediction = model(images)
        assert prediction.density.dtype == torch.float32
        target = torch.rand_like(prediction.density) * 1e-3 * stride**2
        loss = CFANetLoss(DensityLevels.fit([target], stride=stride), stride=stride)
        loss(prediction, target, progress=0.1).backward()
        dead = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
        assert dead == []

    def test_config_is_json(self, name: str) -> None:
        model = small(name)
        assert json.loads(json.dumps(model.config)) == model.config


# ---- the network of the paper ----------------------------------------------------------------------


def test_parameter_counts_of_the_paper() -> None:
    assert parameters(create_model("cfanet")) == 16_721_824
    assert parameters(create_model("cfanet", deep_skip=True)) == 19_081_120


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


def test_a_spoilt_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected config\.json"):
        load_model(tmp_path)
    small("cfanet_lite").save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["config"]["dle"] = False
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"got 0 missing \(\) and 16 unknown \(dle\."):
        load_model(tmp_path)
    for spoilt in ('{"model": "cfanet", "config": null}', "[]", "{"):
        (tmp_path / "config.json").write_text(spoilt)
        with pytest.raises(DataError, match="expected a saved model"):
            load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(DataError, match="expected a safetensors file"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: create_model("cfannet"), UnknownNameError, "did you mean 'cfanet'"),
        (
            lambda: create_model("cfanet", level=4),
            UnknownNameError,
            "keyword of cfanet.*did you mean 'levels'",
        ),
        (lambda: create_model("cfanet", output="sofplus"), UnknownNameError, "did you mean 'softplus'"),
        (lambda: create_model("cfanet", levels=2.5), ArgumentError, "levels: expected a whole number >= 2"),
        (lambda: create_model("cfanet", crr="yes"), DTypeError, "crr: expected True or False, got 'yes'"),
        (lambda: create_model("cfanet", expansion="x"), ArgumentError, "expansion: expected a number > 0"),
        (
            lambda: small("cfanet")(torch.rand(1, 3, 0, 8)),
            ShapeError,
            r"images: expected floating-point \(B, 3, H, W\)",
        ),
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
