"""What a map costs: linear in heads, in pixels and in their windows, counted rather than timed."""

import pytest
import torch
from cost import Work, exponent

from crowdkit.ops import _tiles, splat


def work(heads: int, side: int, *, sigma: float = 4.0, stride: int = 1) -> Work:
    points = torch.rand(heads, 2, generator=torch.Generator().manual_seed(0)) * side
    with Work() as counted:
        splat(points, sigma, (side, side), stride=stride)
    return counted


@pytest.mark.parametrize("stride", [1, 8])
def test_linear_in_heads(stride: int) -> None:
    fixed = work(0, 512, stride=stride).elements
    costs = [work(heads, 512, stride=stride).elements - fixed for heads in (500, 1000, 2000, 4000, 8000)]
    assert 0.8 < exponent(costs, 2) < 1.05


def test_linear_in_pixels_with_as_many_heads_a_pixel() -> None:
    costs = [work(side * side // 256, side).elements for side in (256, 512, 1024, 2048)]
    assert 0.9 < exponent(costs, 4) < 1.05


def test_heads_do_not_cost_by_the_size_of_the_canvas() -> None:
    # What 500 heads add to what the empty map costs.
    added = [work(500, side).elements - work(1, side).elements for side in (512, 1024)]
    bags = 2 * 1024**2  # rows of tiles without anybody are still written
    assert added[1] < added[0] + 2 * bags


def test_memory_is_of_the_map_and_a_chunk_not_of_the_heads() -> None:
    side = 1024
    for heads in (1000, 16000):
        assert work(heads, side).largest <= max(side * side, 2 * _tiles._CHUNK)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    points = torch.rand(200, 2, dtype=torch.float64) * torch.tensor([301.0, 203.0])
    sigma = torch.rand(200) * 20 + 0.2
    for stride in (1, 4):
        expected = splat(points, sigma, (203, 301), stride=stride, dtype=torch.float64)
        for chunk in (1, 10_000):
            monkeypatch.setattr(_tiles, "_CHUNK", chunk)
            found = splat(points, sigma, (203, 301), stride=stride, dtype=torch.float64)
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
        monkeypatch.undo()
