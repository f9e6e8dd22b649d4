"""CSRNet and CAN: the original networks written out plainly, and their released layout."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, CrowdKitError, DataError, DTypeError, UnknownNameError
from crowdkit.layers import VGG16Encoder
from crowdkit.models import CAN, CSRNet, create_model, load_model, load_published

# Places of the convolutions in the original's nn.Sequential; 2x2 poolings stand before 5, 10 and 17.
FRONT = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256, 17: 512, 19: 512, 21: 512}
BACK = (512, 512, 512, 256, 128, 64)
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def image(height: int, width: int) -> Tensor:
    torch.manual_seed(height)
    return torch.rand(1, 3, height, width)


def released(name: str) -> dict[str, Tensor]:
    """Weights in the repositories' key names, scaled so that the signal lives."""
    draw = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def conv(key: str, inputs: int, width: int, kernel: int, *, bias: bool = True) -> int:
        scale = (2 / (inputs * kernel**2)) ** 0.5
        state[f"{key}.weight"] = torch.randn(width, inputs, kernel, kernel, generator=draw) * scale
        if bias:
            state[f"{key}.bias"] = torch.randn(width, generator=draw) * 0.05
        return width

    inputs = 3
    for place, width in FRONT.items():
        inputs = conv(f"frontend.{place}", inputs, width, 3)
    if name == "can":
        for scale in range(4):
            conv(f"context.scales.{scale}.1", 512, 512, 1, bias=False)
        conv("context.weight_net", 512, 512, 1)
        conv("context.bottleneck", 1024, 512, 1)
    for index, width in enumerate(BACK):
        place = index * (3 if name == "can" else 2)
        inputs = conv(f"backend.{place}", inputs, width, 3)
        if name == "can":
            norm = f"backend.{place + 1}"
            state[f"{norm}.weight"] = 0.5 + torch.rand(width, generator=draw)
            state[f"{norm}.bias"] = torch.randn(width, generator=draw) * 0.05
            state[f"{norm}.running_mean"] = torch.randn(width, generator=draw) * 0.05
            state[f"{norm}.running_var"] = 0.5 + torch.rand(width, generator=draw)
    conv("output_layer", 64, 1, 1)
    return state


def context(state: dict[str, Tensor], features: Tensor) -> Tensor:
    """Equations 1 to 5 of the paper, as the repository computes them."""
    above, below = torch.zeros(()), torch.zeros(())
    for index, size in enumerate((1, 2, 3, 6)):
        grid = F.conv2d(F.adaptive_avg_pool2d(features, size), state[f"context.scales.{index}.1.weight"])
        average = F.interpolate(grid, size=features.shape[-2:], mode="bilinear", align_corners=False)
        contrast = features - average
        logit = F.conv2d(contrast, state["context.weight_net.weight"], state["context.weight_net.bias"])
        above = above + logit.sigmoid() * average
        below = below + logit.sigmoid()
    both = torch.cat([above / below, features], 1)
    return F.conv2d(both, state["context.bottleneck.weight"], state["context.bottleneck.bias"]).relu()


def original(state: dict[str, Tensor], x: Tensor) -> Tensor:
    def conv(key: str, x: Tensor, **options: int) -> Tensor:
        return F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], **options)

    x = (x - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
    for place in FRONT:
        if place in (5, 10, 17):
            x = F.max_pool2d(x, 2)
        x = conv(f"frontend.{place}", x, padding=1).relu()
    can = "context.bottleneck.weight" in state
    if can:
        x = context(state, x)
    for index in range(len(BACK)):
        place = index * (3 if can else 2)
        x = conv(f"backend.{place}", x, padding=2, dilation=2)
        if can:
            norm = [
                state[f"backend.{place + 1}.{part}"]
                for part in ("running_mean", "running_var", "weight", "bias")
            ]
            x = F.batch_norm(x, *norm, training=False)
        x = x.relu()
    return conv("output_layer", x)


@pytest.fixture(scope="module", params=["csrnet", "can"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    state = released(request.param)
    path = tmp_path_factory.mktemp(request.param) / "model_best.pth.tar"
    torch.save({"epoch": 1, "state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    return request.param, state, path


def test_released_weights_count_as_the_original_does(checkpoint: Any, tmp_path: Path) -> None:
    name, state, path = checkpoint
    model = load_published(name, path)
    assert not model.training
    with torch.no_grad():
        for size in ((48, 64), (61, 75)):  # the second drops 5 rows and 3 columns
            expected = original(state, image(*size))
            found = model(image(*size))
            rows, columns = expected.shape[-2:]
            assert (rows, columns) == (size[0] // 8, size[1] // 8)
            assert found.density.shape == (1, 1, -(-size[0] // 8), -(-size[1] // 8))
            torch.testing.assert_close(found.density[..., :rows, :columns], expected, rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(found.count, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-3)
            assert (expected < 0).any()  # nothing at the end clips it
        model.save(tmp_path)
        assert torch.equal(load_model(tmp_path)(image(61, 75)).density, found.density)


def test_a_file_that_does_not_fit_is_told_in_its_own_names(checkpoint: Any, tmp_path: Path) -> None:
    name, state, _ = checkpoint
    spoilt = {key: value for key, value in state.items() if key != "frontend.21.bias"}
    torch.save({**spoilt, "extra": torch.ones(1)}, tmp_path / "a.pth")
    with pytest.raises(DataError, match=r"1 missing: frontend\.21\.bias; 1 unexpected: extra$"):
        load_published(name, tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["csrnet", "can"])
def test_the_encoder_takes_weights(name: str, tmp_path: Path) -> None:
    encoder = VGG16Encoder(strides=(8,))
    torch.save(encoder.state_dict(), tmp_path / "vgg.pth")
    model: Any = create_model(name, encoder_weights=tmp_path / "vgg.pth")
    for key, value in encoder.state_dict().items():
        assert torch.equal(model.encoder.state_dict()[key], value)
    model.save(tmp_path / "model")
    (tmp_path / "vgg.pth").unlink()
    assert load_model(tmp_path / "model").config["encoder_weights"] is None


@pytest.mark.parametrize("name", ["csrnet", "can"])
def test_edges_that_are_dropped_count_nobody(name: str) -> None:
    model: Any = create_model(name, edges="drop").eval()
    with torch.no_grad():
        density = model(image(20, 27)).density
        assert density.shape == (1, 1, 3, 4)
        assert not density[..., 2:, :].any()
        assert not density[..., 3:].any()
        assert (density[..., :2, :3] > 0).all()
        assert model(image(5, 3)).density.shape == (1, 1, 1, 1)


def test_the_start_keeps_the_signal() -> None:
    """A map of random weights differs from cell to cell, whatever the depth."""

    def spread(model: nn.Module) -> float:
        with torch.no_grad():
            density = model(image(64, 96)).density
        return float(density.std() / density.mean())

    torch.manual_seed(0)
    assert min(spread(CSRNet()), spread(CAN(batch_norm=False))) > 30 * spread(CSRNet(init="normal"))


def test_weights_that_all_vanish_leave_a_mean() -> None:
    """In half precision a sigmoid of -20 is 0, and a mean weighed by zeros is not a number."""
    model: Any = CAN(batch_norm=False)
    nn.init.constant_(model.context.weight_net.bias, -200.0)
    with torch.no_grad():
        assert model(image(16, 16)).density.isfinite().all()
    loss = model(image(16, 16)).density.sum()
    loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "keywords", "error", "message"),
    [
        ("csrnet", {"dilation": 0}, ArgumentError, "dilation: expected a whole number >= 1, got 0"),
        ("csrnet", {"edges": "resize"}, UnknownNameError, "edges: expected one of 'drop', 'pad'"),
        ("csrnet", {"expansion": 0}, ArgumentError, "expansion: expected a number > 0"),
        ("can", {"batch_norm": 1}, DTypeError, "batch_norm: expected True or False, got 1"),
        ("can", {"init": "xavier"}, UnknownNameError, "init: expected one of"),
    ],
)
def test_bad_keywords_are_told(
    name: str, keywords: dict[str, Any], error: type[CrowdKitError], message: str
) -> None:
    with pytest.raises(error, match=message):
        create_model(name, **keywords)
