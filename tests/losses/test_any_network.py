"""Networks of strangers, from random weights, on sparse drawn scenes: graduated BSL keeps them all talking."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from crowdkit.data import SyntheticCrowd
from crowdkit.layers import DensityHead
from crowdkit.losses import BSL, GraduatedBSL
from crowdkit.targets import DensityScale, density_map

SIZE, STRIDE, STEPS = (64, 96), 8, 160


class UNet(nn.Module):
    """Three levels down, one up, of stride 8."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = convolutions(3, 12, 16, 24)
        self.down = convolutions(24, 32)
        self.up = nn.ConvTranspose2d(32, 24, kernel_size=2, stride=2)
        self.join = nn.Sequential(nn.Conv2d(48, 24, 3, padding=1), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        across = self.stem(images)
        return self.join(torch.cat([across, self.up(self.down(across))], dim=1))


class ConvNeXt(nn.Module):
    """timm's smallest, cut at stride 8."""

    def __init__(self) -> None:
        super().__init__()
        self.features = timm.create_model("convnext_atto", features_only=True, out_indices=(1,))

    def forward(self, images: Tensor) -> Tensor:
        return self.features(images)[0]


def convolutions(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


def resnet() -> nn.Sequential:
    whole = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1])
    return nn.Sequential(whole.conv1, whole.bn1, whole.relu, whole.maxpool, whole.layer1, whole.layer2)


def with_head(features: Callable[[], nn.Module], channels: int) -> Callable[[float], nn.Module]:
    def build(mean: float) -> nn.Module:
        return nn.Sequential(features(), DensityHead(channels, stride=STRIDE, mean_density=mean))

    return build


def ending_in_relu() -> nn.Module:
    return nn.Sequential(convolutions(3, 16, 24, 32), nn.Conv2d(32, 1, 1), nn.ReLU())


NETWORKS: dict[str, Callable[[float], nn.Module]] = {
    "plain CNN": with_head(lambda: convolutions(3, 16, 24, 32), 32),
    "U-Net": with_head(UNet, 24),
    "torchvision ResNet": with_head(resnet, 128),
    "timm ConvNeXt": with_head(ConvNeXt, 80),
    "ending in ReLU": with_head(ending_in_relu, 1),
}


@cache
def scenes() -> tuple[Tensor, Tensor]:
    samples = list(SyntheticCrowd(16, size=SIZE, people=(0, 12)))
    maps = [density_map(each.points, SIZE, sigma=4.0, stride=STRIDE) for each in samples]
    return torch.stack([each.image for each in samples]), torch.stack(maps)[:, None]


def share_counted(build: Callable[[float], nn.Module], *, graduated: bool, seed: int = 0) -> float:
    """Train from random weights, and return the people that are counted in the end, over those there."""
    torch.manual_seed(seed)
    images, targets = scenes()
    scale = DensityScale.fit(targets, stride=STRIDE)
    network = build(scale.mean)
    loss_of = GraduatedBSL(stride=STRIDE, density=scale.crowd) if graduated else BSL(stride=STRIDE)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for step in range(STEPS):
        some = torch.randperm(len(images))[:8]
        told = {"progress": step / STEPS} if graduated else {}
        loss = loss_of(network(images[some]), targets[some], **told)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return float(network(images).sum() / targets.sum())


LIGHT = ("plain CNN", "U-Net", "ending in ReLU")
HEAVY = [name for name in NETWORKS if name not in LIGHT]


@pytest.mark.parametrize("name", [*LIGHT, *(pytest.param(each, marks=pytest.mark.slow) for each in HEAVY)])
def test_no_network_falls_silent_under_graduated_bsl(name):
    assert 0.15 < share_counted(NETWORKS[name], graduated=True) < 2.5


@pytest.mark.parametrize("name", ["plain CNN", "U-Net"])
def test_the_same_start_falls_silent_under_bsl(name):
    assert share_counted(NETWORKS[name], graduated=False) < 1e-3


def test_a_relu_as_output_lives_on_if_it_was_born_alive():
    # With two of the first four seeds it is 0 everywhere before the first step, and no loss has a gradient.
    def build(_: float) -> nn.Module:
        return ending_in_relu()

    assert share_counted(build, graduated=True, seed=3) > 0.15
    assert share_counted(build, graduated=False, seed=3) < 1e-3
