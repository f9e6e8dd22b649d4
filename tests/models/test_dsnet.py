"""DSNet: its unofficial repository's checkpoints, and a plain transcription of that network."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import DataError
from crowdkit.models import DSNet, load_published

FRONT = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256)}
FRONT |= {17: (256, 512), 19: (512, 512), 21: (512, 512)}
Draw = Callable[[dict[str, tuple[int, ...]]], dict[str, Tensor]]


def shapes(fused: int) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for place, (inputs, outputs) in FRONT.items():
        found |= {f"features.{place}.weight": (outputs, inputs, 3, 3), f"features.{place}.bias": (outputs,)}
    for block in (1, 2, 3):
        for conv in (1, 2, 3):
            found[f"DDCB{block}.conv{conv}.0.weight"] = (256, 512 + 64 * (conv - 1), 1, 1)
            found[f"DDCB{block}.conv{conv}.2.weight"] = (64, 256, 3, 3)
        found[f"DDCB{block}.conv4.weight"] = (512, fused, 3, 3)
    for place, outputs, inputs, side in ((0, 128, 512, 3), (2, 64, 128, 3), (4, 1, 64, 1)):
        key = f"output_layers.{place}"
        found |= {f"{key}.weight": (outputs, inputs, side, side), f"{key}.bias": (outputs,)}
    return found


def block(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Each dilation reads the block's input and all dilations before it; so does the last convolution."""
    found: list[Tensor] = []
    for dilation in (1, 2, 3):
        dense = torch.cat([x, *found], dim=1)
        narrow = F.relu(F.conv2d(dense, state[f"{name}.conv{dilation}.0.weight"]))
        wide = F.conv2d(narrow, state[f"{name}.conv{dilation}.2.weight"], padding=dilation, dilation=dilation)
        found.append(F.relu(wide))
    return F.conv2d(torch.cat([x, *found], dim=1), state[f"{name}.conv4.weight"], padding=1)


def original(state: dict[str, Tensor], image: Tensor) -> Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    for place in FRONT:
        if place in (5, 10, 17):
            x = F.max_pool2d(x, 2)
        x = F.relu(F.conv2d(x, state[f"features.{place}.weight"], state[f"features.{place}.bias"], padding=1))
    # "Dense residual connections": every block's output goes to all that follow.
    first = block(state, "DDCB1", x)
    second = block(state, "DDCB2", first + x)
    third = block(state, "DDCB3", second + first + x)
    y = third + second + first + x
    for place in (0, 2):
        key = f"output_layers.{place}"
        y = F.relu(F.conv2d(y, state[f"{key}.weight"], state[f"{key}.bias"], padding=1))
    return F.conv2d(y, state["output_layers.4.weight"], state["output_layers.4.bias"])


def test_published_weights_count_as_the_original(tmp_path: Path, draw_weights: Draw) -> None:
    state = draw_weights(shapes(512 + 3 * 64))
    file = tmp_path / "published.pth"
    torch.save({f"module.{key}": value for key, value in state.items()}, file)
    model = load_published("dsnet", file)
    for size, kept in (((32, 40), (4, 5)), ((39, 41), (4, 5))):
        image = torch.rand(2, 3, *size)
        with torch.no_grad():
            ours, expected = model(image), original(state, image)
        assert expected.shape[-2:] == kept
        torch.testing.assert_close(ours.density[..., : kept[0], : kept[1]], expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(ours.count, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-3)


def test_the_repositorys_narrower_block_is_refused(tmp_path: Path, draw_weights: Draw) -> None:
    torch.save(draw_weights(shapes(512 + 2 * 64)), tmp_path / "published.pth")
    with pytest.raises(
        DataError, match=r"3 of another shape: DDCB1\.conv4\.weight \(expected \(512, 704, 3, 3\)"
    ):
        DSNet.load_published(tmp_path / "published.pth")


def test_blocks_have_no_biases_and_end_linear() -> None:
    torch.manual_seed(0)
    model = DSNet()
    assert not [key for key, _ in model.blocks.named_parameters() if "bias" in key]
    with torch.no_grad():
        assert float(model.blocks[0](torch.rand(1, 512, 4, 5)).min()) < 0
