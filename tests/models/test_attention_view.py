"""What attention re-weights, before and after, under each injection."""

import pytest
import torch
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.models import AttentionView, CFANet, Explainable, create_model


def lite(injection: str = "stages", **more: object) -> CFANet:
    torch.manual_seed(0)
    widths = {f"{part}_widths": [8, 8, 8, 8] for part in ("crr", "dle", "dme")}
    given = {"encoder": "test_efficientnet", "injection": injection, **widths, **more}
    model = create_model("cfanet_lite", **given).eval()
    assert isinstance(model, CFANet)
    for branch in (model.crr, model.dle):
        for head in () if branch is None else branch.heads:
            torch.nn.init.normal_(head.weight, std=1.0)
            torch.nn.init.normal_(head.bias, std=0.5)
    return model


def planes(seen: AttentionView) -> list[torch.Tensor]:
    maps = (seen.before, seen.after, seen.weight, seen.region, seen.level, seen.background)
    return [each for each in maps if each is not None]


@torch.no_grad()
@pytest.mark.parametrize("stage", [1, 2, 3, 4, None])
def test_stages_are_reweighted_as_equation_two_says(stage: int | None) -> None:
    seen = lite().attention_view(torch.rand(2, 3, 50, 70), stage=stage)
    number = stage or 4
    stride = (32, 16, 8, 4)[number - 1]
    assert (seen.what, seen.stage) == ("feature", number)
    assert {each.shape[-2:] for each in planes(seen)} == {(-(-50 // stride), -(-70 // stride))}
    assert seen.before.shape[1] == 8
    assert seen.region is not None
    assert seen.level is not None
    torch.testing.assert_close(seen.weight, seen.region + seen.level)
    torch.testing.assert_close(seen.after, seen.before + seen.weight * seen.before)
    assert torch.equal(seen.background, seen.region < 0.5)


@torch.no_grad()
def test_the_last_feature_is_the_one_the_density_is_read_from() -> None:
    model, images = lite(), torch.rand(1, 3, 64, 96)
    linear = model.dme.final(model.attention_view(images).after)
    torch.testing.assert_close(F.softplus(linear) * 16 / 2000, model(images).density)


@torch.no_grad()
@pytest.mark.parametrize("injection", ["input", "features", "output"])
def test_products_are_products(injection: str) -> None:
    model, images = lite(injection), torch.rand(2, 3, 50, 70)
    seen = model.attention_view(images)
    torch.testing.assert_close(seen.after, seen.before * seen.weight)
    assert seen.region is not None
    assert seen.level is not None
    torch.testing.assert_close(seen.weight, (seen.region + seen.level) / 2)
    assert len({each.shape[-2:] for each in planes(seen)}) == 1
    if injection == "input":
        assert seen.what == "image"
        assert torch.equal(seen.before, images)
    elif injection == "output":
        assert seen.what == "density"
        torch.testing.assert_close(seen.after, model(images).density)
    else:
        assert seen.what == "feature"
        coarse = model.attention_view(images, stage=2)
        torch.testing.assert_close(coarse.before, model.encoder(images)[1][..., :4, :5])
        torch.testing.assert_close(coarse.after, coarse.before * coarse.weight)


@torch.no_grad()
def test_one_branch_alone() -> None:
    images = torch.rand(1, 3, 48, 64)
    coarse = lite(dle=False).attention_view(images)
    assert coarse.level is None
    assert coarse.region is not None
    assert torch.equal(coarse.weight, coarse.region)
    model = lite(crr=False)
    assert model.dle is not None
    logits = model.dle(model.encoder(images)[0])[-1]
    # Half of the cells become background, though another class may be the likeliest in fewer.
    model.dle.heads[-1].bias[0] += (logits[:, 1:].logsumexp(dim=1) - logits[:, 0]).median()
    fine = model.attention_view(images)
    assert fine.region is None
    odds = model.dle(model.encoder(images)[0])[-1][..., :12, :16].exp()
    assert torch.equal(fine.background, odds[:, :1] > odds[:, 1:].sum(dim=1, keepdim=True))
    assert 0 < int(fine.background.sum()) < fine.background.numel()


@torch.no_grad()
@pytest.mark.parametrize("injection", ["stages", "features", "output"])
def test_attention_is_the_last_stage_of_inside(injection: str) -> None:
    model, images = lite(injection), torch.rand(1, 3, 50, 70)
    seen = model.attention_view(images)
    for ours, inside in zip(model.attention(images), (seen.weight, seen.region, seen.level), strict=True):
        assert inside is not None
        assert ours is not None
        torch.testing.assert_close(ours, inside)


@torch.no_grad()
def test_attention_in_front_of_the_input_has_the_stride_of_the_model() -> None:
    weight, _, _ = lite("input").attention(torch.rand(1, 3, 50, 70))
    assert weight.shape == (1, 1, 13, 18)


def test_which_models_can_be_looked_into() -> None:
    assert isinstance(lite(), Explainable)
    assert not isinstance(torch.nn.Identity(), Explainable)


@pytest.mark.parametrize(
    ("injection", "stage", "message"),
    [
        ("stages", 5, "stage: expected 1 or 2 or 3 or 4, got 5"),
        ("stages", 0, "stage: expected 1 or 2 or 3 or 4, got 0"),
        ("stages", True, "got True"),
        ("output", 3, "stage: expected 4, the only one whose attention is injected, got 3"),
        ("input", 1, "stage: expected 4, the only one"),
    ],
)
def test_stages_that_are_not_there(injection: str, stage: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        lite(injection).attention_view(torch.rand(1, 3, 32, 32), stage=stage)


def test_a_model_without_branches() -> None:
    model = lite(crr=False, dle=False)
    for look in (model.attention_view, model.attention):
        with pytest.raises(ArgumentError, match="expected a model with crr or dle, got one with neither"):
            look(torch.rand(1, 3, 32, 32))
