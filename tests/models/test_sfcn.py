"""SFCN on ResNet-101: its authors' checkpoints, and a plain transcription of their network."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import UnknownNameError
from crowdkit.models import SFCNResNet101
from crowdkit.models.sfcn import _Messages

# Stage by stage: published name, bottlenecks, their inner width, stride of the first.
STAGES = (("frontend.4", 3, 64, 1), ("frontend.5", 4, 128, 2), ("own_reslayer_3", 23, 256, 1))
BACK = (512, 512, 512, 256, 128, 64)
Shapes = dict[str, tuple[int, ...]]
Draw = Callable[[Shapes], dict[str, Tensor]]


def norm_shapes(name: str, width: int) -> Shapes:
    return {f"{name}.{kind}": (width,) for kind in ("weight", "bias", "running_mean", "running_var")}


def shapes() -> Shapes:
    found: Shapes = {"frontend.0.weight": (64, 3, 7, 7), **norm_shapes("frontend.1", 64)}
    inputs = 64
    for name, blocks, width, _ in STAGES:
        for block in range(blocks):
            key = f"{name}.{block}"
            for conv, shape in (
                (1, (width, inputs, 1, 1)),
                (2, (width, width, 3, 3)),
                (3, (4 * width, width, 1, 1)),
            ):
                found |= {f"{key}.conv{conv}.weight": shape, **norm_shapes(f"{key}.bn{conv}", shape[0])}
            if block == 0:
                found[f"{key}.downsample.0.weight"] = (4 * width, inputs, 1, 1)
                found |= norm_shapes(f"{key}.downsample.1", 4 * width)
            inputs = 4 * width
    for index, outputs in enumerate(BACK):
        found |= {
            f"backend.{2 * index}.weight": (outputs, inputs, 3, 3),
            f"backend.{2 * index}.bias": (outputs,),
        }
        inputs = outputs
    found |= {"convDU.conv.0.weight": (64, 64, 1, 9), "convDU.conv.0.bias": (64,)}
    found |= {"convLR.conv.0.weight": (64, 64, 9, 1), "convLR.conv.0.bias": (64,)}
    return found | {"output_layer.0.weight": (1, 64, 1, 1), "output_layer.0.bias": (1,)}


def norm(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, var, weight, bias = (
        state[f"{name}.{kind}"].view(-1, 1, 1) for kind in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def bottleneck(state: dict[str, Tensor], name: str, x: Tensor, stride: int) -> Tensor:
    y = F.relu(norm(state, f"{name}.bn1", F.conv2d(x, state[f"{name}.conv1.weight"])))
    y = F.conv2d(y, state[f"{name}.conv2.weight"], padding=1, stride=stride)
    y = norm(
        state, f"{name}.bn3", F.conv2d(F.relu(norm(state, f"{name}.bn2", y)), state[f"{name}.conv3.weight"])
    )
    if f"{name}.downsample.0.weight" in state:
        x = norm(
            state, f"{name}.downsample.1", F.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride)
        )
    return F.relu(x + y)


def messages(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Row after row downwards, then upwards over what that gave: written out for (C, h, w) and a 1 x 9 kernel."""
    height, width = x.shape[-2:]
    rows = [x[:, i] for i in range(height)]

    def heard(row: Tensor) -> Tensor:
        far = F.pad(row, (4, 4))
        total = bias[:, None].repeat(1, width)
        for step in range(9):
            total = total + weight[:, :, 0, step] @ far[:, step : step + width]
        return F.relu(total)

    for i in range(1, height):
        rows[i] = rows[i] + heard(rows[i - 1])
    for i in range(height - 2, -1, -1):
        rows[i] = rows[i] + heard(rows[i + 1])
    return torch.stack(rows, dim=1)


def original(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network's map at full resolution, of one normalized image: a hundred times the density."""
    x = F.relu(norm(state, "frontend.1", F.conv2d(x, state["frontend.0.weight"], stride=2, padding=3)))
    x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)
    for name, blocks, _, stride in STAGES:
        for block in range(blocks):
            x = bottleneck(state, f"{name}.{block}", x, stride if block == 0 else 1)
    for index in range(len(BACK)):
        key = f"backend.{2 * index}"
        x = F.relu(F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], padding=2, dilation=2))
    x = messages(x[0], state["convDU.conv.0.weight"], state["convDU.conv.0.bias"])
    across = state["convLR.conv.0.weight"].transpose(2, 3)
    x = messages(x.transpose(1, 2), across, state["convLR.conv.0.bias"]).transpose(1, 2)[None]
    x = F.relu(F.conv2d(x, state["output_layer.0.weight"], state["output_layer.0.bias"]))
    return F.interpolate(x, scale_factor=8, mode="nearest")


@pytest.mark.parametrize(
    ("prefix", "trained_on", "size"), [("CCN.", "gcc", (40, 48)), ("CCN.module.", "qnrf", (41, 50))]
)
def test_published_weights_count_as_the_original(
    tmp_path: Path, draw_weights: Draw, prefix: str, trained_on: str, size: tuple[int, int]
) -> None:
    state = draw_weights(shapes())
    for key in state:  # a residual adds up over 30 blocks, and a message over all rows
        if key.endswith("bn3.weight") or ("conv." in key and key.endswith("weight")):
            state[key] *= 0.2
    torch.save({prefix + key: value for key, value in state.items()}, tmp_path / "published.pth")
    model = SFCNResNet101.load_published(tmp_path / "published.pth", trained_on=trained_on)
    mean, std = {
        "gcc": ([0.3022347, 0.2912431, 0.2690876], [0.2277433, 0.2110517, 0.1848461]),
        "qnrf": ([0.4135260, 0.3785202, 0.3716169], [0.2848495, 0.2770464, 0.2815098]),
    }[trained_on]
    image = torch.rand(1, 3, *size)
    normalized = (image - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    with torch.no_grad():
        ours, expected = model(image), original(state, normalized) / 100
    assert float(expected.sum()) > 0.01
    assert float(expected.std()) > 0.01 * float(expected.mean())
    torch.testing.assert_close(ours.count, expected.sum((1, 2, 3)), rtol=1e-3, atol=0)
    cells = F.avg_pool2d(expected, 8) * 64
    torch.testing.assert_close(ours.density, cells, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (5, 1), (4, 7)])
@pytest.mark.parametrize("dim", [2, 3])
def test_messages_reach_every_row_and_come_back(size: tuple[int, int], dim: int) -> None:
    torch.manual_seed(0)
    layer, x = _Messages(3, dim=dim).double(), torch.randn(1, 3, *size, dtype=torch.float64)
    weight, bias = layer.conv.weight, layer.conv.bias
    assert bias is not None
    if dim == 3:
        weight, turned = weight.transpose(2, 3), x[0].transpose(1, 2)
        expected = messages(turned, weight, bias).transpose(1, 2)
    else:
        expected = messages(x[0], weight, bias)
    torch.testing.assert_close(layer(x)[0], expected, rtol=1e-10, atol=1e-10)


def test_messages_do_not_grow_with_the_image() -> None:
    """A random start on a map of 96 rows: Kaiming's gain in the messages would give 1e20."""
    torch.manual_seed(0)
    model = SFCNResNet101(blocks=(1, 1, 1))
    x = torch.rand(1, 64, 96, 3)
    with torch.no_grad():
        assert float(model.columns(model.rows(x)).abs().max()) < 10


def test_an_unknown_data_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="trained_on: expected one of 'gcc', 'qnrf', 'sha', 'shb'"):
        SFCNResNet101.load_published(tmp_path / "published.pth", trained_on="GCC")
