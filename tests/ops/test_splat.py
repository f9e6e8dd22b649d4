"""Splatting: the naive sum of kernels, and a sum that is the number of heads whatever the heads are."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.ops import splat, splat_batch, sum_pool
from crowdkit.ops._kernels import Kernels
from crowdkit.ops._products import add_products

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


def naive(points: np.ndarray, sigmas: np.ndarray, size: tuple[int, int], truncate: float = 4.0) -> np.ndarray:
    """One head at a time, one pixel at a time, as the docstring says it."""
    density = np.zeros(size)
    for (x, y), sigma in zip(points, sigmas, strict=True):
        radius = min(truncate * sigma + 0.5, max(size))
        axes = []
        for place, length in ((y, size[0]), (x, size[1])):
            pixels = np.arange(length)
            near = np.abs(pixels - math.floor(place)) <= int(radius)
            kernel = np.exp(-((pixels + 0.5 - place) ** 2) / (2 * sigma**2)) * near
            axes.append(kernel / kernel.sum())
        density += np.outer(*axes)
    return density


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 2e-7)])
@pytest.mark.parametrize("truncate", [1.75, 4.0, math.inf])
def test_equals_the_naive_sum(device: str, dtype: torch.dtype, tolerance: float, truncate: float) -> None:
    generator = np.random.default_rng(0)
    size = (150, 290)  # several tiles, the last ones ragged
    points = generator.random((40, 2)) * [290, 150]
    sigmas = generator.random(40) * 30 + 0.4
    ours = splat(
        torch.tensor(points, device=device), torch.tensor(sigmas), size, truncate=truncate, dtype=dtype
    )
    assert ours.dtype == dtype
    np.testing.assert_allclose(
        ours.cpu().double().numpy(), naive(points, sigmas, size, truncate), atol=tolerance
    )


@pytest.mark.parametrize("stride", [2, 3, 4, 8, 100])
def test_stride_is_sum_pooling(stride: int) -> None:
    points = torch.rand(60, 2, dtype=torch.float64) * torch.tensor([301.0, 203.0])
    sigma = torch.rand(60) * 20 + 0.2
    full = splat(points, sigma, (203, 301), dtype=torch.float64)
    strided = splat(points, sigma, (203, 301), stride=stride, dtype=torch.float64)
    torch.testing.assert_close(strided, sum_pool(full, stride), rtol=1e-12, atol=1e-14)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_sums_to_the_number_of_heads(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 300))
    stride = data.draw(st.sampled_from([1, 2, 5, 8]))
    count = data.draw(st.integers(0, 12))
    place = st.floats(0, 1, exclude_max=True, width=32)
    heads = [(data.draw(place), data.draw(place)) for _ in range(count)]
    sigma = data.draw(st.sampled_from([1e-9, 0.05, 0.5, 3.0, 15.0, 1e5]))
    points = torch.tensor(heads, dtype=torch.float64).reshape(-1, 2) * torch.tensor([width, height])
    density = splat(points, sigma, (height, width), stride=stride)
    assert density.shape == (-(-height // stride), -(-width // stride))
    assert bool((density >= 0).all())
    assert float(density.double().sum()) == pytest.approx(count, rel=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_coincident_heads_count_each(count: int) -> None:
    density = splat(torch.full((count, 2), 0.0), 15.0, (40, 60))
    assert float(density.sum()) == pytest.approx(count, rel=1e-6)


def test_corner_head_keeps_its_mass_where_the_common_way_loses_three_quarters() -> None:
    from scipy.ndimage import gaussian_filter

    dots = np.zeros((200, 200))
    dots[0, 0] = 1
    assert gaussian_filter(dots, 15, mode="constant").sum() == pytest.approx(0.2635, abs=1e-3)
    assert float(splat(torch.zeros(1, 2), 15.0, (200, 200)).sum()) == pytest.approx(1, rel=1e-6)


def test_agrees_with_scipy_far_from_the_border() -> None:
    from scipy.ndimage import gaussian_filter

    dots = np.zeros((120, 130))
    dots[60, 64] = 1
    ours = splat(torch.tensor([[64.5, 60.5]]), 6.0, (120, 130), dtype=torch.float64)
    np.testing.assert_allclose(ours.numpy(), gaussian_filter(dots, 6, truncate=4.0), atol=1e-12)


def test_sub_pixel_place_is_the_center_of_mass() -> None:
    head = torch.tensor([[31.27, 24.81]], dtype=torch.float64)
    density = splat(head, 3.0, (64, 64), dtype=torch.float64, truncate=7.0)
    centers = torch.arange(64, dtype=torch.float64) + 0.5
    # The window is centered on the head's pixel, so the last tail is a little lopsided.
    assert float(density.sum(0) @ centers) == pytest.approx(31.27, abs=1e-6)
    assert float(density.sum(1) @ centers) == pytest.approx(24.81, abs=1e-6)


def test_many_heads_take_memory_of_tiles_not_of_the_map() -> None:
    points = torch.rand(3000, 2) * 2000
    density = splat(points, 4.0, (2000, 2000))
    assert float(density.double().sum()) == pytest.approx(3000, rel=1e-6)


@pytest.mark.parametrize(
    ("points", "named"), [([[1.0, 1.0], [8.0, 1.0]], r"1: \(8, 1\)"), ([[0.0, -0.25]], r"0: \(0, -0.25\)")]
)
def test_heads_outside_are_named(points: list[list[float]], named: str) -> None:
    with pytest.raises(ArgumentError, match=named):
        splat(torch.tensor(points), 1.0, (4, 8))


def test_not_a_number_is_outside() -> None:
    with pytest.raises(ArgumentError, match="inside the canvas"):
        splat(torch.tensor([[math.nan, 0.0]]), 1.0, (4, 8))


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf])
def test_sigma_must_be_positive(sigma: float) -> None:
    with pytest.raises(ArgumentError, match="sigma: expected positive"):
        splat(torch.ones(2, 2), torch.tensor([1.0, sigma]), (4, 8))


def test_sigma_must_belong_to_the_points() -> None:
    with pytest.raises(ShapeError, match=r"one per head \(2,\), got \(3,\)"):
        splat(torch.ones(2, 2), torch.ones(3), (4, 8))


def test_inputs_stay() -> None:
    points, sigma = torch.rand(5, 2), torch.rand(5) + 1
    before = points.clone(), sigma.clone()
    splat(points, sigma, (8, 8))
    assert torch.equal(points, before[0])
    assert torch.equal(sigma, before[1])


@pytest.mark.parametrize("stride", [1, 3, 8])
@pytest.mark.parametrize("precision", ["highest", "medium"])
def test_products_of_a_gpu_are_the_tiles_of_a_cpu(stride: int, precision: str) -> None:
    before = torch.get_float32_matmul_precision()
    points = torch.rand(60, 2, dtype=torch.float64) * torch.tensor([301.0, 203.0])
    sigmas = torch.rand(60, dtype=torch.float64) * 20 + 0.2
    expected = splat(points, sigmas, (203, 301), stride=stride, dtype=torch.float64)
    kernels = Kernels.of(points, sigmas, (203, 301), 4.0, torch.float64)
    found = torch.zeros(expected.shape, dtype=torch.float64)
    try:
        torch.set_float32_matmul_precision(precision)
        with torch.autocast("cpu"):
            add_products(found, kernels, stride)
    finally:
        torch.set_float32_matmul_precision(before)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_autocast_makes_no_difference() -> None:
    points = torch.rand(30, 2) * 60
    with torch.autocast("cpu"):
        density = splat(points, 3.0, (60, 60))
    assert torch.equal(density, splat(points, 3.0, (60, 60)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_does_not_wait() -> None:
    points = torch.rand(50, 2, device="cuda") * 60
    torch.cuda.set_sync_debug_mode("error")
    try:
        for sigma in (3.0, points[:, 0] + 1):
            splat(points, sigma, (60, 60), check=False)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_values_are_looked_at_unless_told_otherwise() -> None:
    heads = torch.tensor([[1.0, 1.0], [8.5, 1.0]])
    with pytest.raises(ArgumentError, match="inside the canvas"):
        splat(heads, 1.0, (4, 8))
    assert splat(heads[:1], 1.0, (4, 8), check=False).sum() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("stride", [1, 3, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_batch_is_its_images(stride, dtype):
    """Ragged tiles, an image without heads, wide kernels that would reach into the next image, one sigma each."""
    size = (150, 97)
    generator = torch.Generator().manual_seed(stride)
    heads = [torch.rand(n, 2, generator=generator) * torch.tensor([97.0, 150.0]) for n in (40, 0, 1, 300)]
    heads[2] = torch.tensor([[96.9, 149.9]])
    sigmas = [0.3 + 9 * torch.rand(40, generator=generator), 4.0, 60.0, torch.tensor(2.0)]
    together = splat_batch(heads, sigmas, size, stride=stride, dtype=dtype)
    apart = [splat(*pair, size, stride=stride, dtype=dtype) for pair in zip(heads, sigmas, strict=True)]
    assert torch.equal(together, torch.stack(apart))
    torch.testing.assert_close(
        together.sum(dim=(1, 2)), torch.tensor([40, 0, 1, 300], dtype=dtype), rtol=1e-5, atol=0
    )
    assert torch.equal(splat_batch(heads, 3.0, size), torch.stack([splat(each, 3.0, size) for each in heads]))


def test_a_batch_names_what_is_wrong():
    heads = [torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 1.0], [9.0, 1.0]])]
    with pytest.raises(ArgumentError, match=r"got 1 outside \(1: \(9, 1\)\)"):
        splat_batch(heads, 3.0, (8, 8))
    with pytest.raises(ArgumentError, match=r"got -1\.0 for head 1"):
        splat_batch(heads, [1.0, torch.tensor([1.0, -1.0])], (16, 16))
    with pytest.raises(ShapeError, match="expected one for each of 2 images, got 1"):
        splat_batch(heads, [1.0], (16, 16))
    with pytest.raises(ShapeError, match="at least one image"):
        splat_batch([], 1.0, (16, 16))
