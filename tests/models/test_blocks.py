"""How many people a block holds is the mean of two counts; where they are is the density map's business."""

import numpy as np
import pytest
import torch

from crowdkit.models import create_model
from crowdkit.models._blocks import shared_out


def naive(density: np.ndarray, counts: np.ndarray, factor: int) -> np.ndarray:
    out = np.zeros_like(density)
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            block = density[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]
            own = sum(float(each) for each in block.ravel())
            out[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor] = (
                block / own * (own + counts[i, j]) / 2
            )
    return out


def test_a_block_sums_to_the_mean_of_both_counts():
    density, counts = (
        torch.rand(3, 1, 8, 12, dtype=torch.float64),
        5 * torch.rand(3, 1, 2, 3, dtype=torch.float64),
    )
    found = shared_out(density, counts, factor=4)
    for image in range(3):
        expected = naive(density[image, 0].numpy(), counts[image, 0].numpy(), 4)
        np.testing.assert_allclose(found[image, 0].numpy(), expected, rtol=1e-12)


def test_an_empty_block_stays_finite_and_learns():
    density = torch.full((1, 1, 4, 4), 1e-30, requires_grad=True)
    found = shared_out(density, torch.full((1, 1, 1, 1), 3.0), factor=4)
    assert 0 <= float(found.detach().sum()) < 3.0
    found.sum().backward()
    assert bool(density.grad.isfinite().all())


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (30, 33)])
def test_lite_counts_blocks_at_any_size(size):
    torch.manual_seed(0)
    model = create_model("cfanet_lite", blocks=(1, 2, 4))
    images = torch.rand(2, 3, *size)
    prediction = model.train()(images)
    assert prediction.blocks.density.shape == (2, 1, -(-size[0] // 16), -(-size[1] // 16))
    assert prediction.blocks.bins.shape[1] == 3
    assert prediction.density.shape == (2, 1, -(-size[0] // 4), -(-size[1] // 4))
    assert len(prediction.stages) == 3
    counted = model.eval()(images)
    assert counted.blocks is None
    assert counted.stages == ()


def test_the_counts_are_trained_apart_and_counted_together():
    torch.manual_seed(0)
    model = create_model("cfanet_lite", blocks=(1, 2, 4))
    images = torch.rand(2, 3, 64, 64)
    model.encoder.eval()  # batch norms alike in both modes
    apart = model(images)
    together = model.eval()
    torch.testing.assert_close(
        together(images).count, (apart.count + apart.blocks.density.sum((1, 2, 3))) / 2
    )
    apart.count.sum().backward()
    assert all(each.grad is None for each in model.blocks.parameters())
