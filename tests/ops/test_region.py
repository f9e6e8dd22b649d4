import pytest
import torch
from hypothesis import given, settings, strategies as st

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops import count, region_share, sum_pool, within_region


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9), st.integers(0, 99))
def test_share_is_the_part_of_a_cell_inside(height: int, width: int, stride: int, seed: int) -> None:
    region = torch.rand(height, width, generator=torch.Generator().manual_seed(seed)) < 0.5
    share = region_share(region, stride=stride)
    assert share.shape == (-(-height // stride), -(-width // stride))
    for i in range(share.shape[0]):
        for j in range(share.shape[1]):
            cell = region[i * stride : (i + 1) * stride, j * stride : (j + 1) * stride]
            assert float(share[i, j]) == pytest.approx(float(cell.float().mean()), abs=1e-6)


@pytest.mark.parametrize("stride", [1, 2, 8])
def test_everything_changes_nothing_and_halves_add_up(stride: int) -> None:
    density = sum_pool(torch.rand(2, 1, 21, 30), stride)
    everything = torch.ones(21, 30, dtype=torch.bool)
    assert torch.equal(within_region(density, everything, stride=stride), density)
    assert float(count(within_region(density, ~everything, stride=stride)).abs().max()) == 0
    some = torch.rand(21, 30) < 0.4
    both = within_region(density, some, stride=stride) + within_region(density, ~some, stride=stride)
    torch.testing.assert_close(both, density)


def test_an_even_crowd_counts_alike_at_every_stride() -> None:
    region = torch.rand(21, 30) < 0.4
    even = torch.ones(1, 1, 21, 30)
    for stride in (1, 2, 5, 8):
        inside = count(within_region(sum_pool(even, stride), region, stride=stride))
        assert float(inside) == pytest.approx(float(region.sum()), rel=1e-6)


def test_a_region_an_image() -> None:
    regions = torch.rand(3, 1, 9, 12) < 0.5
    density = torch.rand(3, 1, 5, 6, dtype=torch.float64)
    together = within_region(density, regions, stride=2)
    assert together.dtype == torch.float64
    for index in range(3):
        alone = within_region(density[index : index + 1], regions[index, 0], stride=2)
        assert torch.equal(together[index : index + 1], alone)


def test_bad_input_is_told() -> None:
    density, region = torch.rand(2, 1, 5, 6), torch.ones(9, 12, dtype=torch.bool)
    with pytest.raises(ShapeError, match=r"region: expected .* at stride 1, got \(9, 12\)"):
        within_region(density, region)
    with pytest.raises(ShapeError, match="region"):
        within_region(density, region.expand(3, 1, 9, 12), stride=2)
    with pytest.raises(DTypeError, match=r"region: expected a boolean mask, got torch\.uint8"):
        within_region(density, region.to(torch.uint8), stride=2)
    with pytest.raises(ArgumentError, match="stride"):
        region_share(region, stride=0)
