import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings, strategies as st
from pytorch_msssim import ssim

from crowdkit.errors import ArgumentError, ShapeError, UnknownNameError
from crowdkit.metrics import (
    GAME,
    BackgroundRatio,
    DensityPSNR,
    DensitySSIM,
    background_share,
    count_mae,
    density_psnr,
    density_ssim,
    game,
)


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 21), width=st.integers(1, 21), seed=st.integers(0, 99))
def test_game_starts_at_the_mae_and_never_falls(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    pred, target = torch.rand(2, 2, 1, height, width, generator=generator, dtype=torch.float64)
    values = [game(pred, target, level=level).item() for level in range(6)]
    assert values[0] == pytest.approx(count_mae(pred, target).item())
    assert all(coarse <= fine + 1e-9 for coarse, fine in pairwise(values))
    # 32 lines a side are at least one a row and column: nothing is left out
    assert values[5] == pytest.approx((pred - target).abs().sum().item() / 2)


def test_game_keeps_the_remainder():
    pred = torch.zeros(1, 1, 5, 7)
    pred[0, 0, 4, 6] = 1
    assert game(pred, torch.zeros_like(pred), level=2) == 1


def test_game_level_must_be_a_whole_number():
    for level in (-1, 1.5, True):
        with pytest.raises(ArgumentError, match="level: expected a whole number >= 0"):
            GAME(level)


def test_images_without_a_scale_are_left_out():
    crowd = torch.rand(1, 1, 16, 16)
    nobody = torch.zeros(1, 1, 16, 16)
    for metric in (DensitySSIM(), DensityPSNR()):
        metric.update(torch.cat((crowd, nobody)), torch.cat((crowd * 0.5, nobody)))
        assert metric.images == 1
        alone = type(metric)()
        alone.update(crowd, crowd * 0.5)
        torch.testing.assert_close(metric.compute(), alone.compute())
    assert density_ssim(nobody, nobody).isnan()
    assert density_psnr(-crowd, nobody).isnan()


def test_false_crowd_on_an_empty_image_counts():
    false = torch.zeros(1, 1, 16, 16)
    false[..., 8, 8] = 3.0
    assert density_ssim(false, torch.zeros_like(false)) < 1
    assert density_psnr(false, torch.zeros_like(false)).isfinite()


def test_equal_maps_have_infinite_psnr_and_ssim_of_one():
    crowd = torch.rand(1, 1, 16, 16)
    assert density_psnr(crowd, crowd).isposinf()
    assert density_ssim(crowd, crowd) == 1


@pytest.mark.parametrize("size", [(11, 11), (12, 300), (777, 130), (96, 1025)], ids=str)
def test_ssim_equals_pytorch_msssim(size):
    """Sparse maps, noise and flat ones; its window of float32 sums to 1 but for 6e-6, which flat ones show."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(4, 1, *size, generator=generator)
    target = torch.stack((noise[0] ** 20, noise[0], torch.ones_like(noise[0])))
    pred = torch.stack((noise[1] ** 20, 0.9 * noise[0] + 0.1 * noise[2], torch.full_like(noise[0], 0.7)))
    peak = torch.maximum(pred.amax(dim=(1, 2, 3)), target.amax(dim=(1, 2, 3)))[:, None, None, None].double()
    oracle = ssim(pred / peak, target / peak, data_range=1.0, size_average=False)
    for each, expected in enumerate(oracle):
        some = slice(each, each + 1)
        torch.testing.assert_close(density_ssim(pred[some], target[some]), expected, rtol=0, atol=1e-5)
        wide = density_ssim(pred[some].double(), target[some].double())
        torch.testing.assert_close(wide, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(density_ssim(pred, target), oracle.mean(), rtol=0, atol=1e-5)


def test_scale_makes_no_difference():
    pred, target = torch.rand(2, 1, 1, 20, 20, dtype=torch.float64)
    for function in (density_ssim, density_psnr):
        torch.testing.assert_close(
            function(pred, target), function(pred * 1e-4, target * 1e-4), rtol=1e-6, atol=0
        )


def test_map_smaller_than_the_window_is_refused():
    small = torch.rand(1, 1, 10, 40)
    with pytest.raises(ShapeError, match="at least 11 cells"):
        DensitySSIM().update(small, small)


def test_protocol_is_shown_and_checked():
    assert repr(DensitySSIM()) == "DensitySSIM(protocol='marunet')"
    assert repr(DensityPSNR()) == "DensityPSNR(protocol='marunet')"
    for metric in (DensitySSIM, DensityPSNR):
        with pytest.raises(UnknownNameError, match="did you mean 'marunet'"):
            metric(protocol="maranet")


def test_background_ratio_of_empty_images():
    crowd = torch.tensor([[[[0.0, 1.0]]]])
    nobody = torch.zeros_like(crowd)
    assert background_share(nobody, crowd) == 0
    assert background_share(crowd, nobody) == 1
    assert background_share(-crowd, crowd) == 0
    assert BackgroundRatio(stride=8).stride == 8


def test_ratio_of_sums_weighs_crowds():
    pred = torch.tensor([[[[9.0, 0.0]]], [[[0.0, 1.0]]]])
    target = torch.tensor([[[[1.0, 0.0]]], [[[1.0, 0.0]]]])
    assert background_share(pred, target) == 0.5
    assert background_share(pred, target, average="sums") == pytest.approx(0.1)


def test_threshold_is_compared_in_the_type_of_the_map():
    at_threshold = torch.tensor([[[[1e-5]]]])
    assert background_share(torch.ones(1, 1, 1, 1), at_threshold) == 0


def test_bad_arguments():
    with pytest.raises(UnknownNameError, match="did you mean 'images'"):
        BackgroundRatio(average="image")
    with pytest.raises(ArgumentError, match="threshold: expected"):
        BackgroundRatio(threshold=0.0)


@pytest.mark.parametrize("average", ["images", "sums"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("spoilt", [0, 1], ids=["pred", "target"])
@pytest.mark.parametrize("place", [(0, 0, 0, 0), (0, 0, 0, 1)], ids=["crowd", "background"])
def test_background_ratio_of_what_is_not_finite_is_not_a_number(average, value, spoilt, place):
    pair = torch.ones(1, 1, 2, 2), torch.eye(2)[None, None].clone()
    pair[spoilt][place] = value
    metric = BackgroundRatio(average=average)
    metric.update(*pair)
    assert bool(metric.compute().isnan())
