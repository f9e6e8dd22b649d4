"""SANet: the C3 framework's checkpoints, a plain transcription of its network, and instance norm's traps."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.models import SANet, load_published

# Decoder: side of the kernel, channels out; every second one is transposed and doubles the size.
DECODER = ((9, 64), (2, 64), (7, 32), (2, 32), (5, 16), (2, 16), (3, 16))
Shapes = dict[str, tuple[int, ...]]
Draw = Callable[[Shapes], dict[str, Tensor]]


def shapes() -> Shapes:
    found: Shapes = {}

    def normed(key: str, conv: str, shape: tuple[int, ...], width: int) -> None:
        found[f"{key}.{conv}.weight"] = shape
        found.update({f"{key}.bn.weight": (width,), f"{key}.bn.bias": (width,)})

    for side in (1, 3, 5, 7):
        normed(f"encoder.0.branch{side}x{side}", "conv", (16, 3, side, side), 16)
    for module, inputs in ((2, 64), (4, 128), (6, 128)):
        normed(f"encoder.{module}.branch1x1", "conv", (32, inputs, 1, 1), 32)
        for side in (3, 5, 7):
            key = f"encoder.{module}.branch{side}x{side}"
            normed(f"{key}.0", "conv", (64, inputs, 1, 1), 64)
            normed(f"{key}.1", "conv", (32, 64, side, side), 32)
    inputs = 128
    for index, (side, width) in enumerate(DECODER):
        key = f"decoder.{index}"
        normed(
            key,
            *(("tconv", (inputs, width, 2, 2)) if side == 2 else ("conv", (width, inputs, side, side))),
            width,
        )
        inputs = width
    return found | {"decoder.8.conv.weight": (1, 16, 1, 1), "decoder.8.conv.bias": (1,)}


def normed(state: dict[str, Tensor], key: str, x: Tensor) -> Tensor:
    x = x - x.mean((2, 3), keepdim=True)
    x = x / ((x**2).mean((2, 3), keepdim=True) + 1e-5).sqrt()
    weight, bias = (state[f"{key}.bn.{kind}"].view(-1, 1, 1) for kind in ("weight", "bias"))
    return F.relu(x * weight + bias)


def original(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network's map, of normalized images whose sides 8 divides: a hundred times the density."""

    def step(key: str, x: Tensor, side: int) -> Tensor:
        return normed(state, key, F.conv2d(x, state[f"{key}.conv.weight"], padding=side // 2))

    x = torch.cat([step(f"encoder.0.branch{side}x{side}", x, side) for side in (1, 3, 5, 7)], dim=1)
    for module in (2, 4, 6):
        x = F.max_pool2d(x, 2)
        found = [step(f"encoder.{module}.branch1x1", x, 1)]
        for side in (3, 5, 7):
            key = f"encoder.{module}.branch{side}x{side}"
            found.append(step(f"{key}.1", step(f"{key}.0", x, 1), side))
        x = torch.cat(found, dim=1)
    for index, (side, _) in enumerate(DECODER):
        key = f"decoder.{index}"
        if side == 2:
            x = normed(state, key, F.conv_transpose2d(x, state[f"{key}.tconv.weight"], stride=2))
        else:
            x = step(key, x, side)
    return F.relu(F.conv2d(x, state["decoder.8.conv.weight"], state["decoder.8.conv.bias"]))


def test_published_weights_count_as_the_original(tmp_path: Path, draw_weights: Draw) -> None:
    state = draw_weights(shapes())
    torch.save({f"CCN.{key}": value for key, value in state.items()}, tmp_path / "published.pth")
    model = load_published("sanet", tmp_path / "published.pth")
    mean = torch.tensor([0.302234709263, 0.291243076324, 0.269087553024]).view(3, 1, 1)
    std = torch.tensor([0.227743327618, 0.211051672697, 0.184846073389]).view(3, 1, 1)
    image = torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        ours, expected = model(image), original(state, (image - mean) / std) / 100
    assert float(expected.std()) > 1e-4
    torch.testing.assert_close(ours.density, expected, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(ours.count, expected.sum((1, 2, 3)), rtol=1e-4, atol=0)


def test_the_data_set_gives_mean_and_deviation(tmp_path: Path, draw_weights: Draw) -> None:
    torch.save(draw_weights(shapes()), tmp_path / "published.pth")
    for name, mean in (("gcc", 0.302234709263), ("sha", 0.410824894905), ("shb", 0.452016860247)):
        model = SANet.load_published(tmp_path / "published.pth", trained_on=name)
        assert model.config["mean"][0] == mean
        assert float(model.normalize.mean[0]) == pytest.approx(mean)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 8), (8, 9), (9, 3)])
def test_tiny_images_train_and_do_not_see_their_batch(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    model, images = SANet(), torch.rand(2, 3, *size)
    together = model(images).density
    apart = torch.cat([model(each[None]).density for each in images])
    assert together.shape == (2, 1, *size)
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-8)
    together.sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())


def test_a_plain_image_gives_no_nan() -> None:
    """No variance anywhere: instance norm divides by its epsilon alone."""
    model = SANet()
    density = model(torch.zeros(1, 3, 16, 16)).density
    density.sum().backward()
    assert bool(density.isfinite().all())
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())
