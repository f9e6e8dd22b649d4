"""CFANet's fast decoder and branches against what figure 2 draws: upsample, concatenate, convolve."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.layers import DME
from crowdkit.models import CFANet, create_model
from crowdkit.ops import bands

WIDE = {"crr_widths": (24, 20, 16, 12), "dle_widths": (24, 16, 20, 12), "dme_widths": (24, 16, 20, 12)}


def enlarge(x: Tensor, factor: int = 2) -> Tensor:
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


class PlainBranch(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> list[Tensor]:
        logits = []
        for index, (stage, head) in enumerate(zip(self.branch.stages, self.branch.heads, strict=True)):
            x = F.relu(stage(enlarge(x) if index > 0 else x))
            logits.append(head(x))
        return logits


class PlainDME(nn.Module):
    def __init__(self, dme: DME) -> None:
        super().__init__()
        self.dme = dme

    def forward(self, features: Sequence[Tensor], weights: Sequence[Tensor | None]) -> list[Tensor]:
        x = torch.cat([features[0]] * (2 if self.dme.deep_skip else 1), dim=1)
        maps = []
        for index, (stage, weight) in enumerate(zip(self.dme.stages, weights, strict=True)):
            x = F.relu(stage(torch.cat([enlarge(x), features[index]], dim=1) if index > 0 else x))
            x = x if weight is None else x + x * weight
            if self.training and str(index + 1) in self.dme.sides:
                maps.append(self.dme.sides[str(index + 1)](enlarge(x, 2 ** (3 - index))))
        return [*maps, self.dme.final(x)]


def pair(monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[CFANet, CFANet]:
    """A model and its plain form, in float64 from end to end."""
    monkeypatch.setattr("crowdkit.models.cfanet.to_density", lambda linear, **_: F.softplus(linear))
    torch.manual_seed(0)
    model = create_model("cfanet", init="kaiming", **{**WIDE, **options}).double()
    plain = deepcopy(model)
    plain.dme = PlainDME(plain.dme)
    for name in ("crr", "dle"):
        if getattr(plain, name) is not None:
            setattr(plain, name, PlainBranch(getattr(plain, name)))
    return model, plain


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (41, 67)),
        ({"deep_skip": True, "levels": 10}, (8, 8)),
        ({"crr": False, "hard_levels": True}, (3, 30)),
        ({"dle": False, "dilation": 1}, (50, 17)),
        ({"crr": False, "dle": False, "dilation": 3}, (25, 40)),
        ({"injection": "output"}, (26, 39)),
        ({"injection": "features"}, (26, 39)),
        ({"injection": "input"}, (26, 39)),
    ],
    ids=str,
)
def test_counts_what_the_plain_form_counts(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], size: tuple[int, int]
) -> None:
    model, plain = (each.eval() for each in pair(monkeypatch, **options))
    images = torch.rand(2, 3, *size, dtype=torch.float64)
    with torch.no_grad():
        expected = plain(images).density
        torch.testing.assert_close(model(images).density, expected, rtol=1e-10, atol=1e-10)
        # The last two stages in bands of 16 rows and more.
        monkeypatch.setattr(bands, "_BAND_BYTES", 1)
        torch.testing.assert_close(model(images).density, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("deep_skip", [False, True])
def test_has_the_gradients_of_the_plain_form(monkeypatch: pytest.MonkeyPatch, deep_skip: bool) -> None:
    """Through every output of training, for every weight."""
    model, plain = pair(monkeypatch, deep_skip=deep_skip)
    images = torch.rand(1, 3, 21, 34, dtype=torch.float64)
    found = []
    for each in (model, plain):
        predicted = each(images)
        outputs = [predicted.density, *predicted.stages, *predicted.region, *predicted.level]
        generator = torch.Generator().manual_seed(1)
        noise = (torch.randn(out.shape, generator=generator, dtype=out.dtype) for out in outputs)
        total = torch.stack([(a * b).sum() for a, b in zip(outputs, noise, strict=True)]).sum()
        total.backward()
        grads = {
            name.replace(".branch.", ".").replace("dme.dme.", "dme."): parameter.grad
            for name, parameter in each.named_parameters()
        }
        assert all(grad is not None for grad in grads.values())
        found.append(grads)
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-10)


def test_lite_in_bfloat16_has_gradients_that_are_numbers() -> None:
    """Its skips have 24 and 40 channels, for which torch's own gradient of a dilated convolution is NaN."""
    torch.manual_seed(0)
    dme = DME((32, 40, 24), widths=(32, 16, 16), supervision=(1, 2, 3))
    dme = dme.to(memory_format=torch.channels_last)
    features = [
        torch.randn(2, c, 8 * k, 12 * k).contiguous(memory_format=torch.channels_last)
        for c, k in ((32, 1), (40, 2), (24, 4))
    ]
    # Memory that held NaN before is what the faulty kernel reads.
    torch.full((2**22,), torch.nan)
    with torch.autocast("cpu", torch.bfloat16):
        maps = dme(features, [None] * 3)
    torch.stack([each.float().square().sum() for each in maps]).sum().backward()
    for name, parameter in dme.named_parameters():
        assert bool(parameter.grad.isfinite().all()), name
