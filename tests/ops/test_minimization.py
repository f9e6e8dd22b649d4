"""Optimal transport minimization: against a dense iteration, and against the heads that made the map."""

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops import find_peaks, splat, transport_points
from crowdkit.ops._atoms import atoms, equal_parts


def worst_and_mean(points: Tensor, heads: Tensor) -> tuple[float, float]:
    distance = torch.cdist(points, heads.double())
    away = distance[linear_sum_assignment(distance.numpy())]
    return float(away.max()), float(away.mean())


def test_a_round_is_dense_sinkhorn_and_centers_of_mass():
    density = torch.rand(12, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / 20
    stride, entropy, number = 4, 9.0, 6
    mass, places = atoms(density * (number / density.sum()), stride)
    start = equal_parts(mass, places, number)
    cost = torch.cdist(places, start).square() / entropy
    potential = torch.zeros(number, dtype=torch.float64)
    for _ in range(10):
        plan = mass[:, None] * torch.softmax(potential - cost, dim=1)
        potential = potential - plan.sum(0).log()
    plan = mass[:, None] * torch.softmax(potential - cost, dim=1)
    expected = (plan.T @ places) / plan.sum(0)[:, None]
    found = transport_points(density, stride=stride, number=number, entropy=entropy, rounds=1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("stride", "near"), [(1, 3.0), (3, 4.5), (8, 4.5)])
def test_heads_whose_peaks_have_merged_get_a_point_each(stride, near):
    generator = torch.Generator().manual_seed(1)
    grid = torch.cartesian_prod(torch.arange(6), torch.arange(8)).flip(1) * 12 + 10
    heads = grid + 5 * torch.rand(48, 2, generator=generator)
    density = splat(heads, 5.0, (86, 117), stride=stride)
    peaks = find_peaks(density[None, None], stride=stride)[0].points
    start = equal_parts(*atoms(density.double(), stride), 48)
    points = transport_points(density, stride=stride, entropy=50.0, rounds=60)
    assert len(peaks) < 36
    assert len(points) == 48
    mean = worst_and_mean(points, heads)[1]
    assert mean < near
    assert mean < worst_and_mean(start, heads)[1]


def test_lone_heads_are_their_centers_of_mass():
    heads = torch.tensor([[20.3, 17.9], [70.1, 30.2], [45.5, 60.0]])
    points = transport_points(splat(heads, 3.0, (80, 96), stride=2, dtype=torch.float64), stride=2)
    assert worst_and_mean(points, heads)[0] < 0.05


def test_nothing_is_random_and_nothing_changes():
    density = torch.rand(20, 30, generator=torch.Generator().manual_seed(3)) / 10
    before = density.clone()
    first = transport_points(density, stride=2)
    state = torch.get_rng_state()
    assert torch.equal(first, transport_points(density, stride=2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(density, before)
    assert len(first) == round(float(density.sum()))


def test_counts_of_the_map_and_wanted_ones():
    cell = torch.full((4, 4), 0.1)  # 1.6 people
    assert len(transport_points(cell)) == 2
    assert len(transport_points(cell, number=5)) == 5
    assert transport_points(cell / 4).shape == (0, 2)
    assert transport_points(-cell).shape == (0, 2)
    assert len(transport_points(torch.tensor([[7.0]]), stride=32)) == 7  # all in one cell
    with pytest.raises(ArgumentError, match="number: expected 0 for a map without people, got 2"):
        transport_points(0 * cell, number=2)


def test_many_heads_take_bounded_memory():
    # A map of a million cells: all pairs would be three billion.
    generator = torch.Generator().manual_seed(4)
    heads = torch.rand(600, 2, generator=generator) * 1000
    density = splat(heads, 5.0, (1000, 1000))
    mass, _ = atoms(density.double(), 1)
    assert len(mass) < 128 * 600 + 1024
    points = transport_points(density, rounds=2)
    assert points.shape == (600, 2)
    assert ((points >= 0) & (points <= 1000)).all()


@pytest.mark.parametrize("stride", [1, 4])
def test_atoms_keep_people_and_their_center(stride):
    density = torch.rand(45, 70, dtype=torch.float64, generator=torch.Generator().manual_seed(5)).pow(20)
    density[:20] *= 1e-3
    density[30, 40] = 3.0
    mass, places = atoms(density, stride)
    x = (torch.arange(70) + 0.5) * stride
    y = (torch.arange(45) + 0.5) * stride
    assert mass.max() <= 1 / 16
    assert len(mass) < 45 * 70
    torch.testing.assert_close(mass.sum(), density.sum())
    torch.testing.assert_close((mass * places[:, 0]).sum(), (density * x).sum())
    torch.testing.assert_close((mass * places[:, 1]).sum(), (density * y[:, None]).sum())


def test_parts_are_equal():
    mass, places = atoms(torch.rand(30, 40, dtype=torch.float64) / 100, 1)
    centers = equal_parts(mass, places, 7)
    # Of equal masses the mean of the centers is the center.
    torch.testing.assert_close(centers.mean(0), (mass[:, None] * places).sum(0) / mass.sum())
    line = torch.arange(8.0, dtype=torch.float64)[:, None] * torch.tensor([1.0, 0.0], dtype=torch.float64)
    halves = equal_parts(torch.ones(8, dtype=torch.float64), line, 3)[:, 0].sort().values
    torch.testing.assert_close(halves, torch.tensor([0.875, 3.5, 6.125], dtype=torch.float64))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: transport_points(torch.rand(1, 1, 4, 4)), ShapeError, r"density: expected one map \(h, w\)"),
        (lambda: transport_points(torch.ones(4, 4, dtype=torch.int32)), DTypeError, "floating-point"),
        (lambda: transport_points(torch.full((4, 4), torch.nan)), ArgumentError, "finite numbers, got NaN"),
        (lambda: transport_points(torch.rand(4, 4), number=-1), ArgumentError, "number: expected"),
        (lambda: transport_points(torch.rand(4, 4), entropy=0.0), ArgumentError, "entropy: expected"),
        (lambda: transport_points(torch.rand(4, 4), rounds=0), ArgumentError, "rounds: expected"),
    ],
)
def test_bad_input_is_told_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
