"""Peaks against a search cell by cell, and against the heads that made the map."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops import find_peaks, splat


def plain_peaks(values: np.ndarray, floor: float) -> list[tuple[set[tuple[int, int]], float]]:
    """Flood each plateau; it is a peak if nothing around it is higher."""
    height, width = values.shape
    seen: set[tuple[int, int]] = set()
    peaks = []
    for start in np.ndindex(height, width):
        if start in seen or values[start] <= floor:
            continue
        plateau, todo, highest = {start}, [start], True
        while todo:
            i, j = todo.pop()
            for a in range(max(0, i - 1), min(height, i + 2)):
                for b in range(max(0, j - 1), min(width, j + 2)):
                    if values[a, b] > values[i, j]:
                        highest = False
                    elif values[a, b] == values[i, j] and (a, b) not in plateau:
                        plateau.add((a, b))
                        todo.append((a, b))
        seen |= plateau
        if highest:
            peaks.append((plateau, float(values[start])))
    return peaks


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9), st.integers(2, 6))
def test_peaks_are_those_of_a_search_and_lie_in_their_plateaus(seed, height, width, heights):
    # Few different heights: plateaus everywhere, of every shape.
    values = np.random.default_rng(seed).integers(0, heights, (height, width)).astype(float)
    [found] = find_peaks(torch.from_numpy(values)[None, None], stride=3, threshold=1e-9)
    expected = plain_peaks(values, 0.0)
    assert sorted(found.values.tolist()) == sorted(value for _, value in expected)
    assert found.values.tolist() == sorted(found.values.tolist(), reverse=True)
    for cells, value in expected:
        middle = np.mean([(j, i) for i, j in cells], axis=0) + 0.5
        away = np.abs(found.points.numpy()[found.values.numpy() == value] / 3 - middle).max(axis=1)
        assert away.min() <= 0.5


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("sigma", [4.0, 6.5])
def test_lone_heads_are_found_to_hundredths_of_a_cell(stride, sigma):
    generator = torch.Generator().manual_seed(0)
    grid = torch.cartesian_prod(torch.arange(4), torch.arange(5)).flip(1) * 60 + 40
    heads = grid + 12 * torch.rand(20, 2, generator=generator)
    maps = splat(heads, sigma, (301, 357), stride=stride)[None, None]
    [found] = find_peaks(maps, stride=stride)
    assert len(found.points) == 20
    away = torch.cdist(found.points, heads).min(dim=1)
    assert away.indices.unique().numel() == 20
    assert away.values.max() < 0.05 * stride


def test_equal_cells_are_one_peak_in_their_middle():
    ridge = torch.tensor([[0.0, 0, 0, 0, 0], [0, 2, 2, 2, 0], [0, 0, 0, 0, 0]])
    foot = torch.tensor([[0.0, 0, 0, 0, 0], [0, 2, 2, 3, 0], [0, 0, 0, 0, 0]])
    ring = torch.tensor([[1.0, 1, 1], [1, 0, 1], [1, 1, 1]])
    [peak] = find_peaks(ridge[None, None], stride=2)
    assert peak.points.tolist() == [[5.0, 3.0]]
    [peak] = find_peaks(foot[None, None])
    assert peak.values.tolist() == [3.0]
    [peak] = find_peaks(ring[None, None])
    assert peak.points.tolist() == [[1.5, 1.5]]
    assert len(find_peaks(torch.full((1, 1, 40, 3), 0.25))[0].points) == 1


def test_a_batch_is_its_images_in_any_precision():
    maps = torch.rand(3, 1, 9, 11, generator=torch.Generator().manual_seed(1))
    before = maps.clone()
    together = find_peaks(maps, stride=4)
    for image, found in zip(maps, together, strict=True):
        [alone] = find_peaks(image[None], stride=4)
        assert torch.equal(found.points, alone.points)
        assert torch.equal(found.values, alone.values)
    assert torch.equal(maps, before)
    assert find_peaks(maps.to(torch.bfloat16))[0].points.dtype == torch.float32
    assert find_peaks(maps.double())[0].points.dtype == torch.float64


def test_thresholds_are_per_pixel_and_of_the_maximum():
    maps = torch.zeros(1, 1, 5, 9)
    maps[0, 0, 2, 2], maps[0, 0, 2, 6] = 0.4, 1.6
    assert len(find_peaks(maps, stride=4, threshold=0.02)[0].points) == 2
    assert len(find_peaks(maps, stride=4, threshold=0.03)[0].points) == 1
    assert len(find_peaks(maps, stride=4, share=0.2)[0].points) == 2
    assert len(find_peaks(maps, stride=4, share=0.25)[0].points) == 1
    assert [len(each.points) for each in find_peaks(torch.cat([maps, 0 * maps]))] == [2, 0]


def test_smoothing_makes_one_peak_of_a_noisy_head():
    clean = splat(torch.tensor([[30.3, 24.8]]), 6.0, (48, 64), stride=2)[None, None]
    noise = torch.rand(clean.shape, generator=torch.Generator().manual_seed(2))
    noisy = clean * (0.4 + 1.2 * noise)
    assert len(find_peaks(noisy, stride=2, share=0.2)[0].points) > 3
    [found] = find_peaks(noisy, stride=2, share=0.2, smoothing=2.0)
    assert len(found.points) == 1
    assert torch.dist(found.points[0], torch.tensor([30.3, 24.8])) < 1.0


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: find_peaks(torch.rand(4, 4)),
            ShapeError,
            r"density: expected a map of shape \(B, 1, h, w\)",
        ),
        (lambda: find_peaks(torch.ones(1, 1, 4, 4, dtype=torch.int64)), DTypeError, "floating-point map"),
        (lambda: find_peaks(torch.rand(1, 1, 4, 4), threshold=-1), ArgumentError, "threshold: expected"),
        (lambda: find_peaks(torch.rand(1, 1, 4, 4), share=1.0), ArgumentError, "share: expected"),
        (lambda: find_peaks(torch.rand(1, 1, 4, 4), smoothing=-1.0), ArgumentError, "smoothing: expected"),
        (lambda: find_peaks(torch.rand(1, 1, 4, 4), stride=0), ArgumentError, "stride: expected"),
    ],
)
def test_bad_input_is_told_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
