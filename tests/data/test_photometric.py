from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from crowdkit.data import (
    Blur,
    ColorJitter,
    Grayscale,
    JPEGCompression,
    LowResolution,
    Noise,
    Sample,
    list_photometric,
    photometric,
)
from crowdkit.errors import UnknownNameError


def change(kind, image, **drawn):
    return kind(1.0).change(image, drawn, torch.Generator().manual_seed(0))


def picture(height=24, width=32):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(1))


def test_gray_is_pillows_luma():
    pixels = picture().mul(255).round()
    image = Image.fromarray(pixels.permute(1, 2, 0).to(torch.uint8).numpy()).convert("L")
    gray = change(Grayscale, pixels / 255) * 255
    assert torch.equal(gray[0], gray[1])
    assert torch.allclose(gray[2], torch.from_numpy(np.asarray(image, dtype=np.float32).copy()), atol=1.0)


def test_nothing_drawn_changes_no_color():
    still = {"exposure": 1.0, "contrast": 1.0, "saturation": 1.0, "gamma": 1.0, "red": 1.0, "blue": 1.0}
    assert torch.allclose(change(ColorJitter, picture(), **still), picture(), atol=1e-6)
    gray = change(ColorJitter, picture(), **{**still, "saturation": 0.0})
    assert torch.allclose(gray, change(Grayscale, picture()), atol=1e-6)
    flat = change(ColorJitter, picture(), **{**still, "contrast": 0.0})
    assert torch.allclose(flat, picture().mean().expand(3, 24, 32), atol=1e-6)
    assert torch.allclose(
        change(ColorJitter, picture(), **{**still, "gamma": 2.0}), picture() ** 2, atol=1e-6
    )
    red = change(ColorJitter, picture() / 2, **{**still, "red": 1.1}) / (picture() / 2)
    assert torch.allclose(red, torch.tensor([1.1, 1.0, 1.0])[:, None, None].expand_as(red), atol=1e-4)


def test_blur_is_a_gaussian_that_keeps_flat_pictures_and_means():
    impulse = torch.zeros(3, 21, 21)
    impulse[:, 10, 10] = 1
    blurred = change(Blur, impulse, sigma=1.5)
    offsets = torch.arange(-10, 11, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * 1.5**2)) * (offsets.abs() <= 5)
    kernel = kernel / kernel.sum()
    assert torch.allclose(blurred[0], kernel[:, None] * kernel[None], atol=1e-6)
    assert torch.allclose(change(Blur, torch.full((3, 9, 9), 0.3), sigma=2.0), torch.full((3, 9, 9), 0.3))


def test_low_resolution_takes_the_detail_and_leaves_the_rest():
    checks = ((torch.arange(32)[:, None] + torch.arange(32)) % 2).float().expand(3, -1, -1)
    assert float((change(LowResolution, checks, scale=0.5) - 0.5).abs().max()) < 0.13
    slope = torch.linspace(0.2, 0.8, 48).expand(3, 48, 48)
    assert torch.allclose(change(LowResolution, slope, scale=0.5), slope, atol=0.02)


def test_noise_has_its_deviation():
    difference = change(Noise, picture(100, 100), deviation=0.05) - picture(100, 100)
    assert float(difference.mean()) == pytest.approx(0, abs=0.002)
    assert float(difference.std()) == pytest.approx(0.05, rel=0.03)


def test_jpeg_is_what_a_file_of_that_quality_holds():
    pixels = picture().mul(255).round()
    file = BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).to(torch.uint8).numpy()).save(file, "JPEG", quality=20)
    with Image.open(file) as image:
        there = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)
    assert torch.equal(change(JPEGCompression, pixels / 255, quality=20.4) * 255, there.float())


def test_changes_come_by_name_in_the_order_of_a_photograph():
    chain = photometric(dict.fromkeys(reversed(list_photometric()), 1.0))
    assert len(chain.transforms) == len(list_photometric())
    sample = chain(Sample(picture(), torch.zeros(0, 2), {}), torch.Generator().manual_seed(0))
    done = [each["name"] for each in sample.meta["transforms"]]
    assert done == ["ColorJitter", "Grayscale", "Blur", "LowResolution", "Noise", "JPEGCompression"]
    sample = Sample(picture(), torch.zeros(0, 2), {})
    assert photometric({})(sample) is sample
    with pytest.raises(UnknownNameError, match="did you mean 'jpeg'"):
        photometric({"jpg": 0.1})
