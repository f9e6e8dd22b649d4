"""MARUNet: its authors' checkpoints, a plain transcription of their network, and training with CFANet's loss."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.losses import CFANetLoss
from crowdkit.models import MARUNet

# Convolutions of each front end and their places in it; the first layer of all but one is a pooling.
FRONTS = (
    ((0, 3, 64), (2, 64, 64)),
    ((1, 64, 128), (3, 128, 128)),
    ((1, 128, 256), (3, 256, 256), (5, 256, 256)),
    ((1, 256, 512), (3, 512, 512), (5, 512, 512)),
    ((1, 512, 512), (3, 512, 512), (5, 512, 512)),
)
# Dilated convolutions: name, channels in and out.
DILATED = {
    "brg.0": (512, 512),
    "back4.0": (1024, 512),
    "back3.0": (1024, 256),
    "back2.0": (512, 128),
    "back1.0": (256, 64),
    "back0.0": (128, 64),
    "amp_conv4.0": (512, 256),
    "amp_conv3.0": (256, 256),
    "amp_conv2.0": (256, 128),
    "amp_conv1.0": (128, 128),
    "amp_conv0.0": (128, 64),
}
# Convolutions to one channel: name, channels in, side.
HEADS = {f"amp_outconv{i}": (width, 3) for i, width in enumerate((64, 128, 128, 256, 256))}
HEADS |= {"outconvb": (512, 3), "outconv4": (512, 3), "outconv3": (256, 3), "outconv2": (128, 3)}
HEADS |= {"outconv1": (64, 3), "output_layer": (64, 1)}
Shapes = dict[str, tuple[int, ...]]
Draw = Callable[[Shapes], dict[str, Tensor]]


def shapes() -> Shapes:
    sides: dict[str, tuple[int, int, int]] = {k: (i, o, 3) for k, (i, o) in DILATED.items()}
    sides |= {k: (i, 1, side) for k, (i, side) in HEADS.items()}
    sides |= {f"front{f}.{place}": (i, o, 3) for f, convs in enumerate(FRONTS) for place, i, o in convs}
    found: Shapes = {}
    for key, (inputs, outputs, side) in sides.items():
        found |= {f"{key}.weight": (outputs, inputs, side, side), f"{key}.bias": (outputs,)}
    return found


def original(state: dict[str, Tensor], image: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The six maps (final, d1 to d4, bridge) and the five attention maps, amp4 to amp0."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image - mean.view(3, 1, 1)) / std.view(3, 1, 1)

    def conv(key: str, x: Tensor, padding: int = 1, dilation: int = 1) -> Tensor:
        weight, bias = state[f"{key}.weight"], state[f"{key}.bias"]
        return F.conv2d(x, weight, bias, padding=padding, dilation=dilation)

    def dilated(key: str, x: Tensor) -> Tensor:
        return F.relu(conv(f"{key}.0", x, padding=2, dilation=2))

    def resized(x: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)

    fronts = []
    for index, convs in enumerate(FRONTS):
        x = F.max_pool2d(x, 2) if index else x
        for place, _, _ in convs:
            x = F.relu(conv(f"front{index}.{place}", x))
        fronts.append(x)
    x0, x1, x2, x3, x4 = fronts
    bridge = dilated("brg", x4)

    feature, attention = bridge, []
    for index in (4, 3, 2, 1, 0):
        feature = dilated(f"amp_conv{index}", resized(feature, fronts[index]))
        attention.append(torch.sigmoid(conv(f"amp_outconv{index}", feature)))
    amp4, amp3, amp2, amp1, amp0 = attention

    xb4 = dilated("back4", torch.cat([bridge, x4], 1) * amp4)
    xb3 = dilated("back3", torch.cat([x3, resized(xb4, x3)], 1) * amp3)
    xb2 = dilated("back2", torch.cat([x2, resized(xb3, x2)], 1) * amp2)
    xb1 = dilated("back1", torch.cat([x1, resized(xb2, x1)], 1) * amp1)
    xb0 = dilated("back0", torch.cat([x0, resized(xb1, x0)], 1) * amp0)

    maps = [conv("output_layer", xb0, padding=0)]
    for key, each in (("1", xb1), ("2", xb2), ("3", xb3), ("4", xb4), ("b", bridge)):
        maps.append(conv(f"outconv{key}", resized(each, image)))
    return [each.abs() for each in maps], attention


def test_published_weights_count_as_the_original(tmp_path: Path, draw_weights: Draw) -> None:
    state = draw_weights(shapes())
    torch.save(state, tmp_path / "published.pth")
    model, image = MARUNet.load_published(tmp_path / "published.pth"), torch.rand(1, 3, 32, 48)
    assert not model.training
    with torch.no_grad():
        counted = model(image).count
        training = model.train()(image)
        (density, *sides), attention = original(state, image)
    torch.testing.assert_close(counted, density.sum((1, 2, 3)) / 50, rtol=1e-4, atol=0)
    for ours, theirs in zip((*training.stages, training.density), (*sides[::-1], density), strict=True):
        torch.testing.assert_close(ours, theirs / 50, rtol=1e-3, atol=1e-5)
    for ours, theirs in zip(training.region, attention, strict=True):
        torch.testing.assert_close(ours.sigmoid(), theirs, rtol=1e-3, atol=1e-4)


def small() -> MARUNet:
    torch.manual_seed(0)
    return MARUNet(bridge=16, crr_widths=(16,) * 5, widths=(16,) * 5, init="kaiming")


def test_trains_with_cfanets_loss() -> None:
    model, loss = small(), CFANetLoss(None)
    images, target = torch.rand(2, 3, 33, 50), torch.rand(2, 1, 33, 50) * 1e-3
    parts = loss.parts(model(images), target)
    assert bool(parts.region > 0)
    assert bool(parts.level == 0)
    loss.weigh(parts, progress=0.1).backward()
    assert [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_attention_is_multiplied_before_the_convolution() -> None:
    """With no attention anywhere, a stage knows its bias alone; CFANet's would keep its feature."""
    model = small()
    for head in model.crr.heads:
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.constant_(head.bias, -200.0)
    for stage in model.stages:
        torch.nn.init.constant_(stage.bias, 0.5)
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        bridge, *others = (*model(images).stages, model(images).density)
    inner = [each[..., 8:-8, 8:-8] for each in (bridge, *others)]
    assert float(inner[0].std()) > 0
    for each in inner[1:]:
        torch.testing.assert_close(each, each.mean().expand_as(each))


@pytest.mark.parametrize("key", ["crr_widths", "widths"])
def test_five_stages_are_asked_for(key: str) -> None:
    with pytest.raises(ArgumentError, match=f"{key}: expected 5 stages, got 4"):
        MARUNet(**{key: (16,) * 4})
