"""What every model promises: a Prediction at its stride, any size, any batch, a folder that gives it back."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from crowdkit.errors import DataError, ShapeError, UnknownNameError
from crowdkit.models import create_model, list_models, load_model
from crowdkit.prediction import Prediction


@dataclass(frozen=True)
class Row:
    """What is particular to one model.

    Attributes:
        stride: Side of a density cell in pixels.
        small: Keywords that make it small enough to try here.
        stages: Supervised maps before the last that it gives while training.
        region: Side of the cells of each CAM logit it gives while training, in density cells.
        level: The same for FAM logits, which have six classes here.
    """

    stride: int
    small: dict[str, Any] = field(default_factory=dict)
    stages: int = 0
    region: tuple[int, ...] = ()
    level: tuple[int, ...] = ()


ROWS: dict[str, Row] = {
    "cfanet": Row(
        1,
        {
            "crr_widths": (8, 8, 8, 4),
            "dle_widths": (8, 8, 8, 4),
            "dme_widths": (16, 8, 8, 4),
            "init": "kaiming",
        },
        stages=3,
        region=(8, 4, 2, 1),
        level=(8, 4, 2, 1),
    ),
    "cfanet_lite": Row(
        4, {"encoder": "test_efficientnet"}, stages=3, region=(8, 4, 2, 1), level=(8, 4, 2, 1)
    ),
    "mcnn": Row(4),
    "csrnet": Row(8),
    "can": Row(8),
    "dsnet": Row(8),
    "marunet": Row(
        1,
        {"bridge": 16, "crr_widths": (16, 16, 16, 16, 4), "widths": (16, 16, 16, 16, 4), "init": "kaiming"},
        stages=5,
        region=(16, 8, 4, 2, 1),
    ),
    "sanet": Row(1),
    "sfcn_resnet101": Row(8, {"blocks": (1, 1, 1), "widths": (16, 16)}),
    "vgg19_bl": Row(8),
}

# Published, or computed from the layers that the paper or its authors' code lists: name, keywords, count.
PARAMETERS: list[tuple[str, dict[str, Any], int]] = [
    ("cfanet", {}, 16_721_824),
    ("cfanet", {"deep_skip": True}, 19_081_120),
    ("mcnn", {}, 133_705),
    ("mcnn", {"gray": True}, 127_953),
    ("csrnet", {}, 16_263_489),
    ("can", {}, 18_103_489),
    ("can", {"batch_norm": False}, 18_099_521),
    ("dsnet", {}, 20_685_377),
    ("marunet", {}, 27_271_627),
    ("sanet", {}, 1_388_721),
    ("sfcn_resnet101", {}, 38_596_801),
    ("vgg19_bl", {}, 21_499_457),
]


def small(name: str, **more: Any) -> Any:
    torch.manual_seed(0)
    return create_model(name, **{**ROWS[name].small, **more})


def cells(size: tuple[int, int], side: int) -> tuple[int, int]:
    return -(-size[0] // side), -(-size[1] // side)


def everything(prediction: Prediction) -> list[torch.Tensor]:
    return [prediction.density, *prediction.stages, *prediction.region, *prediction.level]


def learn(model: torch.nn.Module, images: torch.Tensor) -> Prediction:
    """Pull every output towards random numbers, so that no part can hide from the gradient."""
    prediction: Prediction = model(images)
    draw = torch.Generator().manual_seed(1)
    total = torch.zeros(())
    for out in everything(prediction):
        pull = torch.rand(out.shape, generator=draw)
        total = total + ((out.float() / out.detach().float().abs().mean() - pull) ** 2).mean()
    total.backward()
    return prediction


def test_every_model_has_a_row_and_a_count() -> None:
    assert sorted(ROWS) == list_models()
    # The light one has the size of its encoder, which is timm's to change.
    assert {name for name, _, _ in PARAMETERS} == set(list_models()) - {"cfanet_lite"}


@pytest.mark.parametrize(("name", "keywords", "count"), PARAMETERS)
def test_parameter_counts(name: str, keywords: dict[str, Any], count: int) -> None:
    with torch.device("meta"):
        model = create_model(name, **keywords)
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize("name", ROWS)
class TestContract:
    @pytest.mark.parametrize("size", [(64, 64), (65, 97), (33, 40), (7, 5)])
    def test_any_size_and_batch(self, name: str, size: tuple[int, int]) -> None:
        model, stride = small(name).eval(), ROWS[name].stride
        assert model.stride == stride
        with torch.no_grad():
            prediction = model(torch.rand(2, 3, *size))
        assert isinstance(prediction, Prediction)
        assert prediction.density.shape == (2, 1, *cells(size, stride))
        assert prediction.density.dtype == torch.float32
        assert bool((prediction.density >= 0).all())
        assert (prediction.stages, prediction.region, prediction.level) == ((), (), ())
        torch.testing.assert_close(prediction.count, prediction.density.sum((1, 2, 3)))

    def test_training_gives_every_stage(self, name: str) -> None:
        model, row = small(name), ROWS[name]
        prediction = model(torch.rand(2, 3, 70, 90))
        size = cells((70, 90), row.stride)
        assert prediction.density.shape == (2, 1, *size)
        assert [s.shape for s in prediction.stages] == [(2, 1, *size)] * row.stages
        assert [r.shape for r in prediction.region] == [(2, 1, *cells(size, f)) for f in row.region]
        assert [v.shape for v in prediction.level] == [(2, 6, *cells(size, f)) for f in row.level]

    def test_batch_is_its_images_in_eval(self, name: str) -> None:
        model, images = small(name).eval(), torch.rand(3, 3, 48, 64)
        with torch.no_grad():
            together = model(images).density
            apart = torch.cat([model(each[None]).density for each in images])
        torch.testing.assert_close(together, apart, rtol=1e-3, atol=1e-7)

    def test_a_folder_gives_it_back(self, name: str, tmp_path: Path) -> None:
        model = small(name)
        model(torch.rand(2, 3, 40, 48))  # moves running statistics, where there are any
        model.eval().save(tmp_path)
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

    def test_every_parameter_learns(self, name: str) -> None:
        model = small(name)
        learn(model, torch.rand(2, 3, 64, 64))
        dead = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert dead == []

    def test_autocast(self, name: str) -> None:
        model, images = small(name), torch.rand(2, 3, 64, 64)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            prediction = learn(model, images)
        assert {out.dtype for out in (prediction.density, *prediction.stages)} == {torch.float32}
        spoilt = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
        assert spoilt == []
        model.eval()
        with torch.no_grad():
            expected = model(images).count
            with torch.autocast("cpu", dtype=torch.bfloat16):
                torch.testing.assert_close(model(images).count, expected, rtol=0.05, atol=0)

    def test_config_is_json_and_whole(self, name: str) -> None:
        model = small(name)
        assert json.loads(json.dumps(model.config)) == model.config
        assert create_model(model.name, **model.config).config == model.config

    @pytest.mark.parametrize("shape", [(1, 3, 0, 8), (1, 1, 8, 8), (3, 8, 8)])
    def test_bad_images_are_told(self, name: str, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match=r"images: expected floating-point \(B, 3, H, W\)"):
            small(name)(torch.rand(shape))

    def test_bad_keywords_are_told(self, name: str) -> None:
        with pytest.raises(UnknownNameError, match="did you mean 'softplus'"):
            create_model(name, output="sofplus")
        with pytest.raises(UnknownNameError, match=f"keyword of {name}.*did you mean 'output'"):
            create_model(name, outputs="softplus")


def test_an_unknown_model_is_told() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cfanet'"):
        create_model("cfannet")


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
