"""Figure 3: attention into the input, the features, the output, or the decoder's stages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, CrowdKitError, UnknownNameError
from crowdkit.losses import CFANetLoss
from crowdkit.models import CFANet, create_model, load_model
from crowdkit.targets import DensityLevels

INJECTIONS = ("input", "features", "output", "stages")


class Encoder(nn.Module):
    """Strides 4 and 2, padded by zeros to a multiple of 4."""

    channels, strides = (6, 4), (4, 2)

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, 4, 2, stride=2)
        self.deep = nn.Conv2d(4, 6, 2, stride=2)

    def forward(self, images: Tensor) -> list[Tensor]:
        height, width = images.shape[-2:]
        fine = self.fine(F.pad(images, (0, -width % 4, 0, -height % 4)))
        return [self.deep(fine), fine]


def tiny(injection: str, **more: Any) -> CFANet:
    """Two stages of four channels, with logits far from zero."""
    torch.manual_seed(0)
    widths = {"crr_widths": (4, 4), "dle_widths": (4, 4), "dme_widths": (4, 4)}
    given = {"encoder": Encoder(), "levels": 3, "init": "kaiming", **widths, **more}
    model = CFANet(injection=injection, **given)
    for branch in (model.crr, model.dle):
        for head in [] if branch is None else branch.heads:
            nn.init.normal_(head.weight, std=1.0)
            nn.init.normal_(head.bias, std=1.0)
    return model


def lite(injection: str, **more: Any) -> Any:
    torch.manual_seed(0)
    widths = {f"{part}_widths": [8, 8, 8, 8] for part in ("crr", "dle", "dme")}
    return create_model(
        "cfanet_lite", injection=injection, **{"encoder": "test_efficientnet", **widths, **more}
    )


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


# ---- the formulas ----------------------------------------------------------------------------------


def naive_branches(model: CFANet, deepest: Tensor) -> list[tuple[Tensor | None, Tensor | None]]:
    """Each stage's sigmoid of the CAM and expectation of the FAM, written out for k = 3."""
    maps: list[list[Tensor | None]] = []
    for branch in (model.crr, model.dle):
        x, stage_maps = deepest, []
        for index in range(2):
            if branch is None:
                stage_maps.append(None)
                continue
            if index:
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = F.relu(F.conv2d(x, branch.stages[index].weight, branch.stages[index].bias, padding=1))
            z = F.conv2d(x, branch.heads[index].weight, branch.heads[index].bias, padding=1)
            if branch is model.crr:
                stage_maps.append(1 / (1 + (-z).exp()))
            else:
                e = z.exp()
                stage_maps.append((0.5 * e[:, 1:2] + e[:, 2:3]) / e.sum(1, keepdim=True))
        maps.append(stage_maps)
    return list(zip(*maps, strict=True))


def naive_density(model: CFANet, images: Tensor) -> Tensor:
    """Figure 3 (a) to (d) written out on ``tiny``."""
    height, width = images.shape[-2:]
    source = model.encoder if model.attention_encoder is None else model.attention_encoder
    branches = naive_branches(model, source(images)[0])
    sums = [sum(each for each in stage if each is not None) for stage in branches]
    means = [
        total / sum(each is not None for each in stage) for total, stage in zip(sums, branches, strict=True)
    ]
    if model.injection == "input":
        mask = F.interpolate(means[-1], scale_factor=2.0, mode="bilinear")[..., :height, :width]
        features = model.encoder(images * mask)
    else:
        features = model.encoder(images)
    if model.injection == "features":
        features = [feature * mean for feature, mean in zip(features, means, strict=True)]
    x = features[0]
    for index, stage in enumerate(model.dme.stages):
        if index:
            x = torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear"), features[index]], dim=1)
        x = F.relu(F.conv2d(x, stage.weight, stage.bias, padding=2, dilation=2))
        if model.injection == "stages":
            x = x + sums[index] * x
    z = F.conv2d(x, model.dme.final.weight, model.dme.final.bias)
    density = (1 + z.exp()).log() * 4 / 2000
    if model.injection == "output":
        density = density * means[-1]
    return density[..., : -(-height // 2), : -(-width // 2)]


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize(("crr", "dle"), [(True, True), (True, False), (False, True)])
def test_density_is_the_formula(injection: str, crr: bool, dle: bool) -> None:
    model = tiny(injection, crr=crr, dle=dle).double().eval()
    images = torch.rand(2, 3, 13, 18, dtype=torch.float64)
    with torch.no_grad():
        # The model ends in float32.
        torch.testing.assert_close(
            model(images).density.double(), naive_density(model, images), rtol=1e-6, atol=1e-12
        )


def test_the_four_ways_differ() -> None:
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        found = {injection: tiny(injection).eval()(images).density for injection in INJECTIONS}
    for one in INJECTIONS:
        assert [other for other in INJECTIONS if torch.allclose(found[one], found[other], rtol=1e-3)] == [one]


def test_an_attention_of_zero_takes_everything_away_but_at_the_stages() -> None:
    """What a one-time product can do, and a residual cannot."""
    images = torch.rand(1, 3, 16, 16)
    for injection in INJECTIONS:
        model = tiny(injection, dle=False).eval()
        assert model.crr is not None
        for head in model.crr.heads:
            nn.init.zeros_(head.weight)
            nn.init.constant_(head.bias, -100.0)
        with torch.no_grad():
            density = model(images).density
            features = model.encoder(torch.zeros_like(images) if injection == "input" else images)
            if injection == "features":
                features = [torch.zeros_like(feature) for feature in features]
            plain = F.softplus(model.dme(features, [None, None])[-1]) * 4 / 2000
        if injection == "output":
            plain = torch.zeros_like(plain)
        torch.testing.assert_close(density, plain)


# ---- what each is made of --------------------------------------------------------------------------


def test_parameters() -> None:
    encoder = 7_635_264  # ten convolutions of VGG-16
    found = {injection: parameters(create_model("cfanet", injection=injection)) for injection in INJECTIONS}
    assert found["stages"] == found["output"] == 16_721_824
    assert found["input"] == found["features"] == 16_721_824 + encoder == 24_357_088


def test_the_separate_network_shares_nothing() -> None:
    model = tiny("features")
    assert model.attention_encoder is not None
    own, other = dict(model.encoder.named_parameters()), dict(model.attention_encoder.named_parameters())
    assert all(torch.equal(own[key], other[key]) and own[key] is not other[key] for key in own)
    drawn = lite("input")
    assert not torch.equal(next(drawn.encoder.parameters()), next(drawn.attention_encoder.parameters()))
    assert tiny("output").attention_encoder is tiny("stages").attention_encoder is None


def test_encoder_weights_go_into_both_encoders(tmp_path: Path) -> None:
    import timm

    torch.save(timm.create_model("test_efficientnet").state_dict(), tmp_path / "weights.pth")
    model = lite("features", encoder_weights=tmp_path / "weights.pth")
    for one, other in zip(model.encoder.parameters(), model.attention_encoder.parameters(), strict=True):
        assert torch.equal(one, other)


# ---- tables 7, 8 and 9 under each ------------------------------------------------------------------


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize(("crr", "dle"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize(
    ("supervision", "levels"), [((4,), 4), ((3, 4), 6), ((2, 3, 4), 8), ((1, 2, 3, 4), 10)]
)
def test_ablations_train(
    injection: str, crr: bool, dle: bool, supervision: tuple[int, ...], levels: int
) -> None:
    model = lite(injection, crr=crr, dle=dle, supervision=supervision, levels=levels)
    prediction = model(torch.rand(2, 3, 45, 70))
    assert prediction.density.shape == (2, 1, 12, 18)
    assert [stage.shape for stage in prediction.stages] == [(2, 1, 12, 18)] * (len(supervision) - 1)
    assert [each.shape[-2:] for each in prediction.region] == [(2, 3), (3, 5), (6, 9), (12, 18)][: 4 * crr]
    assert [each.shape[1] for each in prediction.level] == [levels] * 4 * dle
    target = torch.rand(2, 1, 12, 18) * 1e-2
    fitted = DensityLevels.fit([target], levels=levels, stride=4) if dle else None
    CFANetLoss(fitted, stride=4)(prediction, target, progress=0.1).backward()
    dead = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert dead == []


@pytest.mark.parametrize("injection", INJECTIONS)
def test_the_density_loss_trains_the_attention(injection: str) -> None:
    model = tiny(injection)
    model(torch.rand(1, 3, 16, 16)).density.sum().backward()
    for branch in (model.crr, model.dle):
        assert branch is not None
        assert branch.heads[-1].weight.grad is not None
        assert bool(branch.heads[-1].weight.grad.any())
    if model.attention_encoder is not None:
        assert all(p.grad is not None and bool(p.grad.any()) for p in model.attention_encoder.parameters())


def test_hard_levels_and_deep_skip_stand_with_every_injection() -> None:
    images = torch.rand(1, 3, 16, 16)
    for injection in INJECTIONS:
        model = tiny(injection, hard_levels=True, deep_skip=True)
        model(images).density.sum().backward()
        assert model.dle is not None
        assert all(p.grad is None for p in model.dle.parameters())


# ---- still a model ---------------------------------------------------------------------------------


@pytest.mark.parametrize("injection", ["input", "features", "output"])
class TestStillAModel:
    @pytest.mark.parametrize("size", [(64, 64), (33, 41), (7, 5)])
    def test_any_size_and_batch(self, injection: str, size: tuple[int, int]) -> None:
        model, images = lite(injection).eval(), torch.rand(2, 3, *size)
        with torch.no_grad():
            prediction = model(images)
            apart = torch.cat([model(each[None]).density for each in images])
        assert prediction.density.shape == (2, 1, -(-size[0] // 4), -(-size[1] // 4))
        assert bool((prediction.density >= 0).all())
        torch.testing.assert_close(prediction.density, apart, rtol=1e-3, atol=1e-7)

    def test_compiles_whole_exports_and_autocasts(self, injection: str) -> None:
        model, image = lite(injection).eval(), torch.rand(1, 3, 40, 56)
        with torch.no_grad():
            expected = model(image).density
            compiled = torch.compile(model, fullgraph=True, backend="aot_eager")(image).density
            exported = torch.export.export(model, (image,)).module()(image).density
            with torch.autocast("cpu", dtype=torch.bfloat16):
                half = model(image).density
        torch.testing.assert_close(compiled, expected, rtol=1e-3, atol=1e-7)
        torch.testing.assert_close(exported, expected, rtol=1e-3, atol=1e-7)
        assert half.dtype == torch.float32
        torch.testing.assert_close(half, expected, rtol=0.05, atol=1e-5)

    def test_a_folder_gives_it_back(self, injection: str, tmp_path: Path) -> None:
        model = lite(injection).eval()
        model.save(tmp_path)
        again, image = load_model(tmp_path), torch.rand(1, 3, 40, 56)
        assert again.config["injection"] == injection
        with torch.no_grad():
            assert torch.equal(again(image).density, model(image).density)


def test_a_folder_of_before_the_keyword_loads(tmp_path: Path) -> None:
    lite("stages").save(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"injection": "stages",', ""))
    assert load_model(tmp_path).config["injection"] == "stages"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lite("stage"), UnknownNameError, "injection: expected one of.*did you mean 'stages'"),
        (
            lambda: lite("output", crr=False, dle=False),
            ArgumentError,
            "expected 'stages' for a model with neither crr nor dle, got 'output'",
        ),
        (
            lambda: lite("input", crr=False, dle=False),
            ArgumentError,
            "no attention to inject, so set crr=True or dle=True",
        ),
    ],
)
def test_bad_input_is_told_in_words(
    call: Callable[[], object], error: type[CrowdKitError], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
