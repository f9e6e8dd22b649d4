"""Figure 6 for any image."""

import pytest
import torch

from crowdkit.counting import explain, predict
from crowdkit.data import read_image
from crowdkit.errors import ArgumentError, DataError, ShapeError
from crowdkit.models import CrowdModel, create_model
from crowdkit.pictures import save_image
from crowdkit.prediction import Prediction

TINY = {
    "encoder": "test_efficientnet",
    "encoder_strides": [16, 8, 4],
    "levels": 3,
    "crr_widths": [8, 8, 8],
    "dle_widths": [8, 8, 8],
    "dme_widths": [8, 8, 8],
}


def tiny(**more):
    torch.manual_seed(0)
    return create_model("cfanet_lite", **{**TINY, **more})


class Plain(CrowdModel):
    """A model without attention."""

    name, stride = "plain", 1

    def forward(self, images):
        return Prediction(images.mean(dim=1, keepdim=True))


def test_it_is_what_the_model_does():
    model, image = tiny().train(), torch.rand(3, 45, 66)
    seen = explain(model, image, device="cpu")
    assert model.training
    [counted] = predict(model, [image], device="cpu")
    assert torch.equal(seen.density, counted.density)
    assert seen.count == pytest.approx(counted.count)
    with torch.no_grad():
        inside = model.eval().attention_view(image[None])
    torch.testing.assert_close(seen.before, inside.before.abs().mean(dim=1, keepdim=True))
    torch.testing.assert_close(seen.after, inside.after.abs().mean(dim=1, keepdim=True))
    assert (seen.what, seen.stage, seen.channel) == ("feature", 3, None)
    shapes = {each.shape for each in (seen.before, seen.after, seen.weight, seen.region, seen.level)}
    assert shapes == {seen.background.shape} == {(1, 1, 12, 17)}


def test_stage_and_channel():
    model, image = tiny(), torch.rand(3, 45, 66)
    seen = explain(model, image, stage=1, channel=5, device="cpu")
    assert (seen.stage, seen.channel) == (1, 5)
    with torch.no_grad():
        inside = model.eval().attention_view(image[None], stage=1)
    torch.testing.assert_close(seen.after, inside.after[:, 5:6])
    assert seen.density.shape == (1, 1, 12, 17)


def test_background_shares_are_worked_out_by_hand():
    seen = explain(tiny(), torch.rand(3, 16, 24), device="cpu")
    values = {
        "before": torch.tensor([[[[1.0, 3.0]]]]),
        "after": torch.tensor([[[[1.0, 9.0]]]]),
        "background": torch.tensor([[[[True, False]]]]),
    }
    for name, value in values.items():
        object.__setattr__(seen, name, value)
    assert seen.background_shares == pytest.approx((0.25, 0.1))
    object.__setattr__(seen, "before", torch.zeros(1, 1, 1, 2))
    assert seen.background_shares[0] == 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dle": False},
        {"crr": False},
        {"injection": "input"},
        {"injection": "features"},
        {"injection": "output"},
        {"hard_levels": True},
    ],
    ids=str,
)
def test_every_kind_of_attention_has_a_picture(options):
    seen = explain(tiny(**options), torch.rand(3, 45, 66), device="cpu")
    page = seen.picture(width=120)
    assert page.width == 3 * 120 + 4 * 10
    assert page.height > 2 * round(45 * 120 / 66) + 60
    assert seen.what == {"input": "image", "output": "density"}.get(options.get("injection"), "feature")
    assert (seen.region is None, seen.level is None) == (
        options.get("crr") is False,
        options.get("dle") is False,
    )


def test_the_full_network_too():
    widths = {
        "crr_widths": [8, 8, 8, 4],
        "dle_widths": [8, 8, 8, 4],
        "dme_widths": [16, 8, 8, 4],
        "init": "kaiming",
    }
    seen = explain(create_model("cfanet", **widths), torch.rand(3, 30, 41), stage=2, device="cpu")
    assert seen.before.shape == (1, 1, 8, 11)
    assert seen.picture(width=100).width == 340


def test_the_title_names_the_stage_and_the_channel(monkeypatch):
    given = {}
    monkeypatch.setattr(
        "crowdkit.counting.explanation.attention_sheet", lambda *_, **more: given.update(more)
    )
    image = torch.rand(3, 32, 32)
    explain(tiny(), image, stage=2, device="cpu").picture()
    assert given["title"] == "What the attention does to the feature of stage 2 (mean over its channels)"
    seen = explain(tiny(), image, channel=0, device="cpu")
    seen.picture()
    assert given["title"] == "What the attention does to the feature of stage 3 (channel 0)"
    assert given["shares"] == seen.background_shares
    explain(tiny(injection="output"), image, device="cpu").picture()
    assert given["title"] == "What the attention does to the density"
    explain(tiny(injection="input"), image, device="cpu").picture()
    assert given["title"].startswith("What the attention does to the image that the network sees")


def test_a_file_and_half_precision(tmp_path):
    path = save_image(torch.rand(3, 32, 48), tmp_path / "photo.png")
    seen = explain(tiny(), path, device="cpu", precision="bfloat16")
    assert torch.equal(seen.image, read_image(path, orient=True))
    assert {each.dtype for each in (seen.before, seen.weight, seen.region, seen.level)} == {torch.float32}
    assert seen.picture(width=60).width == 220


def test_a_density_at_hand_is_taken():
    density = torch.full((1, 1, 8, 8), 0.5)
    assert explain(tiny(), torch.rand(3, 32, 32), density=density, device="cpu").count == 32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: explain(Plain(), torch.rand(3, 8, 8), device="cpu"),
            ArgumentError,
            "model: expected one with attention to look at, such as cfanet or cfanet_lite, got plain",
        ),
        (
            lambda: explain(tiny(crr=False, dle=False), torch.rand(3, 32, 32), device="cpu"),
            ArgumentError,
            "expected a model with crr or dle",
        ),
        (
            lambda: explain(tiny(), torch.rand(3, 32, 32), stage=4, device="cpu"),
            ArgumentError,
            "stage: expected 1 or 2 or 3, got 4",
        ),
        (
            lambda: explain(tiny(), torch.rand(3, 32, 32), channel=8, device="cpu"),
            ArgumentError,
            "channel: expected 0 to 7, got 8",
        ),
        (lambda: explain(tiny(), torch.rand(1, 3, 8, 8), device="cpu"), ShapeError, "image: expected"),
        (lambda: explain(tiny(), "nowhere.jpg", device="cpu"), DataError, "nowhere"),
    ],
)
def test_bad_input_is_told_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()
