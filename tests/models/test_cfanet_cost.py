"""What CFANet costs: linear in pixels and in images, forward and backward, counted rather than timed."""

import pytest
import torch
from cost import Work, added, exponent
from torch.utils.flop_counter import FlopCounterMode

from crowdkit.losses import CFANetLoss
from crowdkit.models import create_model
from crowdkit.targets import DensityLevels, density_map


def cost(name: str, batch: int, height: int, *, train: bool) -> tuple[int, int]:
    """Multiplications and additions of the convolutions, and elements that are written."""
    torch.manual_seed(0)
    model, size = create_model(name).train(train), (height, 4 * height // 3)
    images, heads = torch.rand(batch, 3, *size), torch.rand(20, 2) * height
    truth = density_map(heads, size, sigma=4.0, stride=model.stride).expand(batch, 1, -1, -1)
    loss = CFANetLoss(DensityLevels.fit([truth]), stride=model.stride)
    with FlopCounterMode(display=False) as flops, Work() as work, torch.set_grad_enabled(train):
        found = model(images)
        if train:
            loss(found, truth, progress=0.5).backward()
    return flops.get_total_flops(), work.elements


@pytest.mark.parametrize("train", [False, True], ids=["inference", "training step"])
@pytest.mark.parametrize(("name", "least"), [("cfanet", 32), ("cfanet_lite", 64)])
def test_linear_in_pixels(name: str, least: int, *, train: bool) -> None:
    heights = [least, 2 * least, 4 * least, 8 * least]
    for costs in zip(*(cost(name, 1, height, train=train) for height in heights), strict=True):
        assert exponent(added(costs), 4) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("train", [False, True], ids=["inference", "training step"])
@pytest.mark.parametrize("name", ["cfanet", "cfanet_lite"])
def test_linear_in_images(name: str, *, train: bool) -> None:
    for costs in zip(*(cost(name, batch, 32, train=train) for batch in (2, 4, 8, 16)), strict=True):
        assert exponent(added(costs), 2) == pytest.approx(1, abs=0.05)
