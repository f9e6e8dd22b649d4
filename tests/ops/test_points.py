"""Dot maps: whole people, in the cell they stand in, whatever the stride."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from crowdkit.errors import ArgumentError
from crowdkit.ops import dot_map, sum_pool


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    stride=st.integers(1, 9),
    heads=st.lists(st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)), max_size=12),
)
def test_counts_each_head_in_its_cell(height, width, stride, heads):
    points = torch.tensor(heads, dtype=torch.float64).reshape(-1, 2) * torch.tensor([width, height])
    naive = torch.zeros(-(-height // stride), -(-width // stride))
    for x, y in points.tolist():
        naive[int(y) // stride, int(x) // stride] += 1
    assert torch.equal(dot_map(points, (height, width), stride=stride), naive)
    assert torch.equal(sum_pool(dot_map(points, (height, width)), stride), naive)


def test_coincident_heads_count_each():
    assert torch.equal(dot_map(torch.full((3, 2), 1.5), (2, 2)), torch.tensor([[0.0, 0.0], [0.0, 3.0]]))


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_the_last_place_before_a_border_stays_inside(stride):
    borders = torch.arange(1.0, 400.0) * stride
    x = torch.nextafter(borders, torch.zeros(()))
    counted = dot_map(torch.stack((x, torch.zeros_like(x)), dim=1), (1, 400 * stride), stride=stride)
    assert torch.equal(counted, torch.cat((torch.ones(1, 399), torch.zeros(1, 1)), dim=1))


def test_heads_outside_count_in_the_nearest_cell():
    points = torch.tensor([[-5.0, 1.0], [4.0, 1.0], [1e30, -1e30]])
    expected = torch.tensor([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
    assert torch.equal(dot_map(points, (2, 4)), expected)


def test_nobody():
    assert torch.equal(dot_map(torch.zeros(0, 2), (5, 3), stride=2), torch.zeros(3, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_type_is_what_was_asked_for(dtype):
    assert dot_map(torch.rand(3, 2), (4, 4), dtype=dtype).dtype == dtype


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_heads_that_are_not_finite_are_refused_or_seen_in_the_map(value, monkeypatch):
    points = torch.tensor([[1.5, 0.5], [value, 1.5], [2.5, 0.5]])
    with pytest.raises(ArgumentError, match="points: expected finite coordinates, got 1 of 3 with NaN"):
        dot_map(points, (2, 4))
    # As on a GPU, where nothing looks at the values.
    monkeypatch.setattr("crowdkit.ops.points.check_finite_points", lambda *_: None)
    assert dot_map(points, (2, 4)).sum().isnan()
