"""What every layer promises: sizes, gradients, compilation, and the wiring of the paper."""

import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit import layers
from crowdkit.errors import ArgumentError, CrowdKitError, ShapeError
from crowdkit.layers import (
    CRR,
    DLE,
    DME,
    BlockBranch,
    DensityHead,
    EfficientNetLiteEncoder,
    Normalize,
    ResidualAttention,
    ResNet101Encoder,
    TimmEncoder,
    VGG16Encoder,
    VGG19Encoder,
    ZIPHead,
    attention_weight,
)
from crowdkit.ops import upsample


class _Pair(nn.Module):
    """Gives a layer of several inputs one tensor, (B, 8, 4, 6)."""

    def __init__(self, layer: nn.Module, call: Callable[[nn.Module, Tensor], Tensor | list[Tensor]]) -> None:
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        return self.call(self.layer, x)


def _one(layer: nn.Module, x: Tensor) -> Tensor | list[Tensor]:
    return layer(x)


def _reweigh(layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x, x[:, :1])


def _decode(layer: nn.Module, x: Tensor) -> list[Tensor]:
    return layer([x, upsample(x[:, :4])], [x[:, :1], None])


def _images(layer: nn.Module, x: Tensor) -> list[Tensor]:
    return layer(x[:, :3])


def _weigh(_: nn.Module, x: Tensor) -> Tensor:
    return attention_weight(x[:, :6], x[:, 6:7])


def _count_blocks(layer: nn.Module, x: Tensor) -> list[Tensor]:
    return layer(x, upsample(x[:, :4]))


ROWS: dict[str, Callable[[], nn.Module]] = {
    "BlockBranch": lambda: _Pair(BlockBranch(8, 4, width=6, bins=(1, 2, 5)), _count_blocks),
    "CRR": lambda: _Pair(CRR(8, widths=(6, 4)), _one),
    "DLE": lambda: _Pair(DLE(8, levels=4, widths=(6, 4)), _one),
    "DME": lambda: _Pair(DME((8, 4), widths=(6, 4), supervision=(1, 2)), _decode),
    "DensityHead": lambda: _Pair(DensityHead(8, stride=8, mean_density=1e-3), _one),
    "EfficientNetLiteEncoder": lambda: _Pair(EfficientNetLiteEncoder(strides=(8, 4)).eval(), _images),
    "Normalize": lambda: _Pair(Normalize((0.5,) * 8, (0.25,) * 8), _one),
    "ResNet101Encoder": lambda: _Pair(ResNet101Encoder(blocks=(1, 1, 1)).eval(), _images),
    "ResidualAttention": lambda: _Pair(ResidualAttention(), _reweigh),
    "TimmEncoder": lambda: _Pair(TimmEncoder("test_efficientnet", strides=(32, 16)).eval(), _images),
    "VGG16Encoder": lambda: _Pair(VGG16Encoder(), _images),
    "VGG19Encoder": lambda: _Pair(VGG19Encoder(strides=(8, 2)), _images),
    "ZIPHead": lambda: _Pair(ZIPHead(8, bins=(1, 2, 5)), _one),
    "attention_weight": lambda: _Pair(nn.Identity(), _weigh),
}


def _tensors(out: Tensor | list[Tensor]) -> list[Tensor]:
    return [out] if isinstance(out, Tensor) else list(out)


def test_every_public_name_has_a_row() -> None:
    assert set(ROWS) == set(layers.__all__)


@pytest.mark.parametrize("name", ROWS)
class TestContract:
    def test_input_stays_and_batch_is_its_images(self, name: str) -> None:
        torch.manual_seed(0)
        layer, x = ROWS[name](), torch.rand(3, 8, 4, 6)
        before = x.clone()
        together = _tensors(layer(x))
        apart = [_tensors(layer(each[None])) for each in x]
        assert torch.equal(x, before)
        for i, whole in enumerate(together):
            torch.testing.assert_close(whole, torch.cat([a[i] for a in apart]), rtol=1e-4, atol=1e-5)

    def test_every_parameter_learns(self, name: str) -> None:
        torch.manual_seed(0)
        layer, x = ROWS[name](), torch.rand(2, 8, 4, 6, requires_grad=True)
        sum((out * torch.rand_like(out)).sum() for out in _tensors(layer(x))).backward()
        assert x.grad is not None
        assert bool(x.grad.isfinite().all())
        dead = [key for key, p in layer.named_parameters() if p.grad is None or not p.grad.any()]
        assert dead == []

    def test_compiles_whole_exports_and_autocasts(self, name: str) -> None:
        torch.manual_seed(0)
        layer, x = ROWS[name](), torch.rand(2, 8, 4, 6)
        expected = _tensors(layer(x))
        torch._dynamo.reset()  # it gives up on a function that it has seen with many layers
        compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
        exported = torch.export.export(layer, (x,)).module()
        for run in (compiled, exported):
            for ours, plain in zip(_tensors(run(x)), expected, strict=True):
                torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for ours, plain in zip(_tensors(layer(x)), expected, strict=True):
                assert bool(ours.isfinite().all())
                assert (
                    float((ours.float() - plain).detach().abs().max())
                    <= 0.06 * float(plain.detach().abs().max()) + 1e-3
                )

    def test_pickles(self, name: str) -> None:
        torch.manual_seed(0)
        layer, x = ROWS[name](), torch.rand(1, 8, 4, 6)
        again = pickle.loads(pickle.dumps(layer))
        for a, b in zip(_tensors(layer(x)), _tensors(again(x)), strict=True):
            assert torch.equal(a, b)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts() -> None:
    assert parameters(CRR(512)) == 1_701_508
    assert parameters(DLE(512, levels=6)) == 2_176_856
    assert parameters(DME((512, 256, 128, 64))) == 5_208_196
    assert parameters(DME((512, 256, 128, 64), deep_skip=True)) == 7_567_492
    assert parameters(ResidualAttention()) == 0


def test_crr_dilates_its_stages_alone() -> None:
    torch.manual_seed(0)
    crr, x = CRR(5, widths=(4, 3), dilation=2).double(), torch.rand(2, 5, 6, 7, dtype=torch.float64)
    first = F.relu(F.conv2d(x, crr.stages[0].weight, crr.stages[0].bias, padding=2, dilation=2))
    up = F.interpolate(first, scale_factor=2.0, mode="bilinear")
    second = F.relu(F.conv2d(up, crr.stages[1].weight, crr.stages[1].bias, padding=2, dilation=2))
    for ours, feature, head in zip(crr(x), (first, second), crr.heads, strict=True):
        torch.testing.assert_close(ours, F.conv2d(feature, head.weight, head.bias, padding=1))


def test_zero_attention_leaves_the_features() -> None:
    feature = torch.randn(2, 5, 4, 6)
    assert torch.equal(ResidualAttention()(feature, torch.zeros(2, 1, 4, 6)), feature)


def test_attention_weight_is_equation_one() -> None:
    level, region = torch.randn(2, 6, 3, 4, dtype=torch.float64), torch.randn(2, 1, 3, 4, dtype=torch.float64)
    naive = torch.empty(2, 1, 3, 4, dtype=torch.float64)
    hard = torch.empty_like(naive)
    for b in range(2):
        for i in range(3):
            for j in range(4):
                p = level[b, :, i, j].exp() / level[b, :, i, j].exp().sum()
                s = 1 / (1 + (-region[b, 0, i, j]).exp())
                naive[b, 0, i, j] = sum(p[c] * c / 5 for c in range(6)) + s
                hard[b, 0, i, j] = int(level[b, :, i, j].argmax()) / 5 + s
    torch.testing.assert_close(attention_weight(level, region), naive)
    torch.testing.assert_close(attention_weight(level, region, hard=True), hard)
    torch.testing.assert_close(attention_weight(level) + attention_weight(region=region), naive)


def test_half_precision_features_stay_half() -> None:
    feature = torch.rand(1, 4, 2, 2).bfloat16()
    assert ResidualAttention()(feature, torch.rand(1, 1, 2, 2)).dtype == torch.bfloat16


def test_dme_is_the_plain_decoder() -> None:
    """Convolve, re-weigh, upsample, concatenate: written out, in float64, side outputs the plain way."""
    torch.manual_seed(0)
    dme = DME((8, 6, 4), widths=(7, 5, 3), supervision=(1, 2, 3)).double()
    features = [torch.randn(2, c, 3 * k, 4 * k, dtype=torch.float64) for c, k in ((8, 1), (6, 2), (4, 4))]
    weights = [torch.rand(2, 1, 3 * k, 4 * k, dtype=torch.float64) for k in (1, 2, 4)]
    x, plain = features[0], []
    for i, stage in enumerate(dme.stages):
        if i:
            x = torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear"), features[i]], dim=1)
        x = F.relu(F.conv2d(x, stage.weight, stage.bias, padding=2, dilation=2))
        x = x + weights[i] * x
        if i < 2:
            side = dme.sides[str(i + 1)]
            full = F.interpolate(x, scale_factor=2.0 ** (2 - i), mode="bilinear")
            plain.append(F.conv2d(full, side.weight, side.bias, padding=1))
    plain.append(F.conv2d(x, dme.final.weight, dme.final.bias))
    for ours, expected in zip(dme(features, weights), plain, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
    dme.eval()
    (last,) = dme(features, weights)
    torch.testing.assert_close(last, plain[-1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CRR(8, widths=()), ArgumentError, "widths: expected at least one stage"),
        (lambda: CRR(8, dilation=0), ArgumentError, "dilation: expected a whole number >= 1"),
        (lambda: DLE(8, levels=1), ArgumentError, "levels: expected a whole number >= 2"),
        (lambda: DME((8, 4), widths=(6,)), ArgumentError, "widths: expected one per stage"),
        (lambda: DME((8, 4), widths=(6, 4), supervision=(1,)), ArgumentError, "the last stage 2"),
        (lambda: DME((8, 4), widths=(6, 4), supervision=(2, 1)), ArgumentError, "ascending stages"),
        (lambda: DME((8, 4), widths=(6, 4), supervision=(1, 2))([], []), ShapeError, "expected 2 of each"),
        (lambda: attention_weight(), ArgumentError, "at least one attention map"),
        (lambda: attention_weight(torch.zeros(1, 1, 2, 2)), ShapeError, "k >= 2"),
        (lambda: attention_weight(region=torch.zeros(1, 2, 2, 2)), ShapeError, "region: expected"),
        (
            lambda: ResidualAttention()(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 2, 2)),
            ShapeError,
            r"weight: expected \(B, 1, 4, 4\)",
        ),
    ],
)
def test_bad_input_is_told_in_words(
    call: Callable[[], object], error: type[CrowdKitError], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
