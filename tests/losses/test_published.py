"""Losses of published networks, against the calls their code makes."""

import pytest
import torch
from pytorch_msssim import ssim
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.losses import (
    DensityLevelConsistencyLoss,
    DSNetLoss,
    MSEMAELoss,
    SANetLoss,
    density_mse_loss,
    dsnet_loss,
    mse_mae_loss,
    sanet_loss,
)
from crowdkit.ops import sum_pool
from crowdkit.targets import density_map


def pair():
    """People per pixel, shape (2, 1, 64, 96), float64."""
    generator = torch.Generator().manual_seed(0)
    maps = []
    for _ in range(4):
        points = torch.rand(40, 2, generator=generator, dtype=torch.float64) * torch.tensor((96, 64))
        maps.append(density_map(points, (64, 96), sigma=4.0)[None, None].double())
    return torch.cat(maps[:2]), torch.cat(maps[2:])


def test_focus_for_free_on_maps_times_100():
    pred, target = pair()
    expected = 10 * F.l1_loss(100 * pred, 100 * target) + F.mse_loss(100 * pred, 100 * target) / 2
    torch.testing.assert_close(mse_mae_loss(pred, target), expected)


def test_dsnet_counts_in_cells_of_8_by_8():
    pred, target = (sum_pool(each[:1], 8) for each in pair())  # the code's batch is one crop
    expected = F.mse_loss(pred, target)
    for s in (1, 2, 4):
        grids = (F.adaptive_avg_pool2d(each, s) for each in (pred, target))
        expected = expected + 1000 * F.l1_loss(*grids, reduction="sum") / s**2
    torch.testing.assert_close(dsnet_loss(pred, target, stride=8), expected)
    torch.testing.assert_close(dsnet_loss(pred, target, expansion=1.0), expected)


@pytest.mark.parametrize("expansion", [1.0, 100.0])
def test_sanet_is_mse_and_ssim(expansion):
    pred, target = (expansion * each for each in pair())
    padded = [F.pad(each, (5, 5, 5, 5)) for each in (pred, target)]
    window = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    window = (window / window.sum()).expand(1, 1, 1, 11)
    expected = F.mse_loss(pred, target) + 0.001 * (1 - ssim(*padded, data_range=1.0, win=window))
    found = sanet_loss(pred / expansion, target / expansion, expansion=expansion)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-15)


def test_sanet_s_pattern_term_has_a_slope_on_raw_maps():
    # SSIM of raw maps is nearly 1 everywhere, but its slope beside that of the raw squared error is not small.
    pred, target = pair()
    pred.requires_grad_()
    (whole,) = torch.autograd.grad(sanet_loss(pred, target), pred)
    (squares,) = torch.autograd.grad(density_mse_loss(pred, target), pred)
    assert (whole - squares).norm() > squares.norm()


@pytest.mark.parametrize(
    ("module", "keywords", "message"),
    [
        (DSNetLoss, {"sizes": ()}, "sizes: expected whole numbers >= 1"),
        (DSNetLoss, {"consistency_weight": 0.0}, "consistency_weight: expected"),
        (DensityLevelConsistencyLoss, {"sizes": (1, 0)}, r"sizes: expected .*got \(1, 0\)"),
        (MSEMAELoss, {"absolute_weight": -1.0}, "absolute_weight: expected"),
        (MSEMAELoss, {"stride": 0}, "stride: expected"),
        (SANetLoss, {"window_size": 2}, "window_size: expected an odd"),
        (SANetLoss, {"consistency_weight": float("inf")}, "consistency_weight: expected"),
    ],
)
def test_bad_arguments_fail_early(module, keywords, message):
    with pytest.raises(ArgumentError, match=message):
        module(**keywords)
