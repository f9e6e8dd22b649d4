"""Colors: ordered, clamped, shared maxima, and photographs that stay where nobody is."""

import math

import pytest
import torch

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.pictures import color_map, overlay


def lightness(rgb):
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light = (linear * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(0)
    return torch.where(light > 0.008856, 116 * light ** (1 / 3) - 16, 903.3 * light)


def test_lightness_rises_all_the_way_and_evenly():
    scale = lightness(color_map(torch.linspace(0, 1, 65)[None]))[0]
    steps = scale.diff()
    assert (steps > 0).all()
    assert steps.max() < 4 * steps.min()
    assert scale[0] < 10
    assert scale[-1] > 95


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (1, 1, 2, 3)])
def test_one_map_of_any_rank(shape):
    colors = color_map(torch.rand(shape))
    assert colors.shape == (3, 2, 3)
    assert colors.dtype == torch.float32


def test_maximum_is_shared_and_values_outside_are_cut():
    values = torch.tensor([[-1.0, 0.0, 1.0, 2.0, 9.0, math.nan]])
    colors = color_map(values, maximum=2.0)
    assert torch.equal(colors[:, 0, 0], colors[:, 0, 1])
    assert torch.equal(colors[:, 0, 3], colors[:, 0, 4])
    assert torch.equal(colors[:, 0, 5], colors[:, 0, 0])
    assert torch.equal(color_map(values[:, :3]), color_map(values[:, :3], maximum=1.0))


def test_an_empty_map_is_dark():
    assert torch.equal(color_map(torch.zeros(2, 2)), color_map(torch.zeros(2, 2), maximum=1.0))
    assert torch.equal(color_map(torch.ones(1, 1), maximum=0.0), color_map(torch.zeros(1, 1)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64, torch.bool])
def test_any_type_of_map(dtype):
    assert color_map(torch.ones(2, 2).to(dtype)).isfinite().all()


def test_an_overlay_colors_people_and_mutes_the_rest():
    photo = torch.rand(3, 32, 48)
    density = torch.zeros(1, 1, 4, 6)
    density[0, 0, 1, 1] = 3.0
    picture = overlay(photo, density)
    assert picture.shape == photo.shape
    assert picture.dtype == torch.uint8
    plain = (photo * 255).round().to(torch.uint8)
    without = overlay(photo, torch.zeros(1, 1, 4, 6))
    assert torch.equal(picture[:, :, 24:], without[:, :, 24:])
    assert (picture[:, 10:14, 10:14] - without[:, 10:14, 10:14].float()).abs().mean() > 40
    assert torch.equal(overlay(photo, density, alpha=0.0), plain)
    assert torch.equal(overlay(plain, density, alpha=0.0), plain)


def test_the_scale_of_a_crowded_map_does_not_matter():
    photo, density = torch.rand(3, 16, 16), torch.rand(4, 4) + 1
    assert torch.equal(overlay(photo, density), overlay(photo, density * 4))
    assert not torch.equal(overlay(photo, density, maximum=2.0), overlay(photo, density, maximum=8.0))


def test_noise_over_an_empty_scene_stays_faint():
    photo, noise = torch.rand(3, 64, 64), torch.rand(16, 16) * 1e-5
    change = overlay(photo, noise).float() - overlay(photo, torch.zeros(16, 16)).float()
    assert change.abs().max() < 8


@pytest.mark.parametrize(("height", "width", "stride"), [(65, 97, 32), (100, 60, 8), (33, 33, 2), (7, 9, 4)])
def test_ragged_sizes_are_aligned_by_the_stride(height, width, stride):
    density = torch.zeros(-(-height // stride), -(-width // stride))
    density[0, 0] = 1.0
    picture = overlay(torch.zeros(3, height, width), density, maximum=1.0).sum(0)
    assert picture.shape == (height, width)
    center = (stride - 1) // 2
    assert picture[center, center] >= picture.max() - 12
    assert picture[2 * stride :].sum() == picture[:, 2 * stride :].sum() == 0


def test_inputs_stay_as_they_were():
    photo, density = torch.rand(3, 8, 8), torch.rand(2, 2)
    copies = photo.clone(), density.clone()
    overlay(photo, density)
    color_map(density)
    assert torch.equal(photo, copies[0])
    assert torch.equal(density, copies[1])


def test_messages():
    with pytest.raises(ShapeError, match=r"values: expected one map.*take one map of the batch"):
        color_map(torch.zeros(2, 1, 3, 3))
    with pytest.raises(ShapeError, match="values"):
        color_map(torch.zeros(0, 3))
    with pytest.raises(ArgumentError, match="maximum: expected a finite number"):
        color_map(torch.zeros(3, 3), maximum=math.nan)
    with pytest.raises(ShapeError, match=r"image: expected .3, H, W."):
        overlay(torch.zeros(1, 3, 8, 8), torch.zeros(2, 2))
    with pytest.raises(DTypeError, match="image: expected floating RGB"):
        overlay(torch.zeros(3, 8, 8, dtype=torch.int64), torch.zeros(2, 2))
    with pytest.raises(ArgumentError, match="alpha"):
        overlay(torch.zeros(3, 8, 8), torch.zeros(2, 2), alpha=1.5)
