import time

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from crowdkit.calibration import Domain, Traits, image_traits
from crowdkit.data import LazyImage, SyntheticCrowd
from crowdkit.errors import ArgumentError


def traits_of(image, people=0.0):
    height, width = image.shape[-2:]
    density = torch.full((1, 1, -(-height // 4), -(-width // 4)), people)
    return image_traits(LazyImage(image), density, stride=4)


def naive(image):
    """The whole image at once, in float64; of an image that the patches cover without a gap."""
    rgb = image.numpy().astype(np.float64)
    luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    return luma.mean(), luma.std(), (rgb.max(0) - rgb.min(0)).mean()


def test_traits_of_one_patch_are_the_formulas():
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    found = traits_of(image)
    brightness, contrast, saturation = naive(image)
    assert found.megapixels == 64 * 64 / 1e6
    assert (found.brightness, found.contrast) == pytest.approx((brightness, contrast), rel=1e-5)
    assert found.saturation == pytest.approx(saturation, rel=1e-5)
    luma = np.tensordot([0.299, 0.587, 0.114], image.numpy().astype(np.float64), 1)
    first = np.concatenate([np.diff(luma, axis=0).ravel(), np.diff(luma, axis=1).ravel()])
    second = np.concatenate([np.diff(luma, 2, axis=0).ravel(), np.diff(luma, 2, axis=1).ravel()])
    detail = np.sqrt((first**2).mean())
    assert found.detail == pytest.approx(detail, rel=1e-5)
    assert found.roughness == pytest.approx(np.sqrt((second**2).mean()) / detail, rel=1e-5)
    assert found.roughness == pytest.approx(3**0.5, rel=0.02)  # white noise: sqrt(6) over sqrt(2)


def test_patches_cover_an_image_evenly():
    image = torch.rand(3, 128, 256, generator=torch.Generator().manual_seed(0))
    brightness, contrast, saturation = naive(image)
    found = traits_of(image)
    assert found[1:4] == pytest.approx((brightness, contrast, saturation), rel=1e-4)
    half = image.clone()
    half[:, :, 128:] = 0
    assert traits_of(half).brightness == pytest.approx(naive(half)[0], rel=1e-4)


def test_the_peak_is_of_64_pixels():
    density = torch.zeros(1, 1, 40, 40)
    density[0, 0, 17, 18] = density[0, 0, 30, 31] = 3.0  # in one block of 16 cells
    density[0, 0, 0, 0] = 5.0
    assert image_traits(LazyImage(torch.rand(3, 160, 160)), density, stride=4).peak == pytest.approx(6.0)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 200), (63, 65), (64, 129)])
def test_any_size_has_finite_traits(size):
    assert all(np.isfinite(traits_of(torch.rand(3, *size))))


def test_a_large_image_costs_no_more():
    small, large = torch.rand(3, 512, 512), torch.rand(3, 1, 1).expand(3, 20_000, 30_000)
    density = torch.zeros(1, 1, 8, 8)
    times = []
    for image in (small, large):
        picture = LazyImage(image)
        image_traits(picture, density, stride=64)
        began = time.perf_counter()
        for _ in range(3):
            image_traits(picture, density, stride=64)
        times.append(time.perf_counter() - began)
    assert times[1] < 5 * times[0]


@pytest.fixture(scope="module")
def scenes():
    drawn = SyntheticCrowd(120, size=(64, 96), people=(0, 20))
    return [drawn[index].image for index in range(120)]


@pytest.fixture(scope="module")
def domain(scenes):
    return Domain.fit([traits_of(image, 0.01) for image in scenes[:100]])


def test_few_images_of_the_same_kind_are_unusual(scenes, domain):
    told = [domain.unusual(traits_of(image, 0.01)) for image in scenes[100:]]
    assert sum(map(bool, told)) <= 5  # 13 / 101 of 20 are to be expected


@pytest.mark.parametrize(
    ("change", "trait"),
    [
        (lambda x: x * 0.2, "brightness"),
        (lambda x: 0.5 + 0.05 * (x - 0.5), "contrast"),
        (lambda x: F.avg_pool2d(x, 9, 1, 4, count_include_pad=False), "detail"),
        (lambda x: x.mean(0, keepdim=True).expand(3, -1, -1), "saturation"),
        (lambda x: (x + 0.3 * torch.randn(x.shape)).clamp(0, 1), "roughness"),
        (lambda x: F.interpolate(x[None], scale_factor=0.5)[0], "megapixels"),
    ],
)
def test_images_of_another_kind_are_told_with_the_reason(scenes, domain, change, trait):
    torch.manual_seed(0)
    told = [domain.unusual(traits_of(change(image), 0.01)) for image in scenes[100:]]
    named = [any(trait in reason for reason in reasons) for reasons in told]
    assert sum(named) >= 16, told[0]


def test_a_denser_crowd_than_was_ever_seen_is_told(scenes, domain):
    assert any(
        "people in 64 x 64 pixels, seen at most" in each for each in domain.unusual(traits_of(scenes[0], 0.1))
    )
    assert not any("people" in each for each in domain.unusual(traits_of(scenes[0], 0.0)))


def test_bounds_are_order_statistics():
    seen = [Traits(1.0, n / 1000, 0.2, 0.1, 0.1, 1.2, float(n)) for n in range(1000)]
    domain = Domain.fit(seen, share=0.13)
    assert domain.bounds["brightness"] == (9 / 1000, 990 / 1000)  # rank 10 of 1001 x 0.01
    assert domain.bounds["peak"] == (None, 990.0)
    assert Domain.fit(seen, zoom=(0.5, 2)).bounds["megapixels"] == (0.25, 4.0)
    outside = sum(bool(domain.unusual(each)) for each in seen)
    assert outside / len(seen) <= 0.13
    for bad in ({"share": 0}, {"zoom": (2.0, 3.0)}):
        with pytest.raises(ArgumentError, match="share"):
            Domain.fit(seen, **bad)
    with pytest.raises(ArgumentError, match="at least one"):
        Domain.fit([])
