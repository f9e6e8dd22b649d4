"""What every target promises: exact counts, thresholds that keep their meaning at every stride, words for errors."""

import math
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from crowdkit import targets
from crowdkit.errors import ArgumentError, CrowdKitError, DataError, DTypeError, ShapeError, UnknownNameError
from crowdkit.ops import mean_pool, sum_pool
from crowdkit.targets import (
    DensityLevels,
    adaptive_sigma,
    box_sigma,
    crowd_region,
    density_map,
    list_sigma_rules,
    sigma_rule,
)

CELLWISE: dict[str, Callable[..., Tensor]] = {
    "crowd_region": crowd_region,
    "DensityLevels": DensityLevels([1e-5, 1e-4, 1e-3]),
    "PerImageDensityLevels": DensityLevels.per_image(4),
}
FROM_POINTS = {
    "DensityScale", "SigmaRule", "adaptive_sigma", "box_sigma", "density_map", "density_maps",
    "list_sigma_rules", "sigma_rule",
}  # fmt: skip


def test_every_public_name_has_a_row() -> None:
    assert set(CELLWISE) | FROM_POINTS == set(targets.__all__)


@pytest.mark.parametrize("name", CELLWISE)
class TestCellwise:
    def test_shape_stays_and_input_too(self, name: str) -> None:
        density = torch.rand(2, 1, 7, 9) * 2e-3
        before = density.clone()
        assert CELLWISE[name](density).shape == density.shape
        assert CELLWISE[name](density[0, 0]).shape == (7, 9)
        assert torch.equal(density, before)

    @pytest.mark.parametrize("stride", [2, 4, 8])
    def test_stride_on_sums_is_stride_one_on_means(self, name: str, stride: int) -> None:
        density = torch.rand(2, 1, 24, 32) * 2e-3 * (torch.rand(2, 1, 24, 32) < 0.3)
        # Powers of two divide exactly, so even a threshold's edge agrees.
        ours = CELLWISE[name](sum_pool(density, stride), stride=stride)
        assert torch.equal(ours, CELLWISE[name](mean_pool(density, stride)))

    def test_batch_is_its_images(self, name: str) -> None:
        density = torch.rand(3, 1, 8, 8) * torch.tensor([1e-4, 1e-3, 1e-2]).view(-1, 1, 1, 1)
        together = CELLWISE[name](density)
        assert torch.equal(together, torch.cat([CELLWISE[name](each[None]) for each in density]))

    def test_an_empty_map_is_background(self, name: str) -> None:
        assert not CELLWISE[name](torch.zeros(1, 1, 4, 4)).any()

    def test_bad_stride(self, name: str) -> None:
        with pytest.raises(ArgumentError, match="stride: expected a whole number"):
            CELLWISE[name](torch.zeros(1, 1, 4, 4), stride=0)


# ---- sigma -----------------------------------------------------------------------------------------


def naive_adaptive(points: np.ndarray, neighbors: int) -> np.ndarray:
    sigmas = []
    for i, p in enumerate(points):
        others = sorted(math.dist(p, q) for j, q in enumerate(points) if j != i)
        nearest = others[:neighbors]
        sigmas.append(0.3 * sum(nearest) / len(nearest))
    return np.array(sigmas)


@pytest.mark.parametrize("count", [2, 3, 4, 60])
@pytest.mark.parametrize("neighbors", [1, 3, 5])
def test_adaptive_sigma_is_the_naive_one(count: int, neighbors: int) -> None:
    points = torch.rand(count, 2, dtype=torch.float64) * 500
    ours = adaptive_sigma(points, neighbors=neighbors, minimum=1e-6)
    np.testing.assert_allclose(ours.numpy(), naive_adaptive(points.numpy(), neighbors), rtol=1e-6)


def test_box_sigma_is_a_share_of_the_side_with_a_floor() -> None:
    sizes = torch.tensor([0.0, 1.9, 8.0, 40.0], dtype=torch.float64)
    assert box_sigma(sizes).tolist() == [0.5, 0.5, 2.0, 10.0]
    assert box_sigma(sizes, share=0.5, minimum=3.0).tolist() == [3.0, 3.0, 4.0, 20.0]
    assert box_sigma(sizes).dtype == torch.float32
    assert box_sigma(torch.zeros(0)).shape == (0,)
    for wrong in ({"share": 0.0}, {"minimum": -1.0}, {"share": math.nan}):
        with pytest.raises(ArgumentError, match="share, minimum"):
            box_sigma(sizes, **wrong)


def test_adaptive_sigma_of_few_and_of_coincident_heads() -> None:
    assert adaptive_sigma(torch.zeros(0, 2)).shape == (0,)
    assert adaptive_sigma(torch.zeros(1, 2)).tolist() == [15.0]
    assert adaptive_sigma(torch.zeros(1, 2), size=(20, 30)).tolist() == [6.25]
    assert adaptive_sigma(torch.zeros(5, 2)).tolist() == [0.5] * 5
    assert adaptive_sigma(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]), maximum=10.0).tolist() == [10.0, 10.0]


@pytest.mark.parametrize("keywords", [{"neighbors": 0}, {"minimum": 0.0}, {"minimum": 3.0, "maximum": 2.0}])
def test_adaptive_sigma_refuses(keywords: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match="expected"):
        adaptive_sigma(torch.zeros(3, 2), **keywords)


@pytest.mark.parametrize("name", list_sigma_rules())
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 50])
def test_every_rule_gives_exact_maps(name: str, count: int) -> None:
    rule, size = sigma_rule(name), (90, 120)
    points = torch.rand(count, 2) * torch.tensor([120.0, 90.0])
    density = density_map(points, size, sigma=rule(points, size), truncate=rule.truncate)
    assert float(density.sum()) == pytest.approx(count, rel=1e-5)
    assert rule.source
    again = pickle.loads(pickle.dumps(rule))
    assert torch.equal(again(points, size), rule(points, size))


def test_published_constants() -> None:
    heads = torch.tensor([[10.0, 10.0], [20.0, 10.0], [10.0, 20.0], [20.0, 20.0], [500.0, 10.0]])
    size = (600, 800)
    mean = torch.tensor([(10 + 10 + math.sqrt(200)) / 3] * 4)
    torch.testing.assert_close(sigma_rule("cfanet")(heads, size)[:4], 0.3 * mean)
    torch.testing.assert_close(sigma_rule("cfanet-text")(heads, size)[:4], mean)
    assert sigma_rule("cfanet-sha")(heads, size).tolist() == [4.0] * 4 + [10.0]
    assert sigma_rule("cfanet-shb")(heads, size).tolist() == [15.0] * 5
    assert sigma_rule("cfanet-mall")(heads, size).tolist() == [3.0] * 5
    assert sigma_rule("csrnet-sha")(heads[:1], size).tolist() == [175.0]
    assert sigma_rule("dssinet")(heads, size).tolist() == pytest.approx([22.5] * 5)
    # 15 x 15 pixels about the head's pixel
    assert (
        int((density_map(heads[:1] * 5, size, sigma=4.0, truncate=sigma_rule("c3f").truncate) > 0).sum())
        == 225
    )
    # four neighbors over five; all five heads are alone within a sixteenth but for the first four
    first = 0.3 * (10 + 10 + math.sqrt(200) + math.dist((10, 10), (500, 10))) / 5
    assert float(sigma_rule("focus-for-free")(heads, (16, 16))[0]) == pytest.approx(first, rel=1e-6)


def test_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'csrnet-shb'"):
        sigma_rule("csrnet-shbb")


# ---- density maps ----------------------------------------------------------------------------------


def test_hand_computed_map() -> None:
    # exp(0) and exp(-1/2) at distance 0 and 1, each axis: 1 / (1 + 2 e^-0.5) in the middle.
    middle = 1 / (1 + 2 * math.exp(-0.5))
    density = density_map(torch.tensor([[1.5, 0.5]]), (1, 3), sigma=1.0)
    assert density.tolist()[0] == pytest.approx([math.exp(-0.5) * middle, middle, math.exp(-0.5) * middle])


@pytest.mark.parametrize("points", [[], [[1.0, 2.0]], np.array([[1.0, 2.0]]), np.zeros((0, 2))])
def test_points_may_be_lists_or_arrays(points: list[list[float]]) -> None:
    density = density_map(points, (4, 6), sigma=2.0)
    assert density.dtype == torch.float32
    assert float(density.sum()) == pytest.approx(len(points))


# ---- levels ----------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), levels=st.integers(2, 10), parts=st.integers(1, 5))
def test_fitted_levels_are_quantiles_whatever_the_stream(seed: int, levels: int, parts: int) -> None:
    values = torch.exp(torch.randn(4000, generator=torch.Generator().manual_seed(seed)) * 2 - 7)
    fitted = DensityLevels.fit(values.chunk(parts), levels=levels)
    assert torch.equal(fitted.edges, DensityLevels.fit([values], levels=levels).edges)
    crowd = values[values >= 1e-5]
    population = torch.bincount(fitted(crowd), minlength=levels)[1:] / len(crowd)
    # 4,000 samples and bins of 0.2 % in value: shares agree to half a per cent.
    torch.testing.assert_close(population, torch.full((levels - 1,), 1 / (levels - 1)), rtol=0, atol=5e-3)


def test_equal_width() -> None:
    fitted = DensityLevels.fit([torch.tensor([0.0, 0.1, 0.5])], levels=5, threshold=0.1, method="equal_width")
    assert fitted.edges.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert fitted.levels == 5
    assert fitted.weights.tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_six_levels_weigh_as_the_paper_says() -> None:
    assert DensityLevels([1e-5, 1, 2, 3, 4]).weights.tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


def test_fit_at_a_stride_equals_fit_of_means() -> None:
    density = torch.rand(32, 32) * 1e-3
    strided = DensityLevels.fit([sum_pool(density, 4)], stride=4).edges
    assert torch.equal(strided, DensityLevels.fit([mean_pool(density, 4)]).edges)


def test_per_image_levels_split_each_image_evenly() -> None:
    density = torch.rand(2, 1, 30, 30) * torch.tensor([1e-3, 1.0]).view(-1, 1, 1, 1) + 1e-4
    classes = DensityLevels.per_image(5)(density)
    for image in classes:
        assert torch.bincount(image.flatten()).tolist() == [0, 225, 225, 225, 225]


def test_levels_survive_a_file_and_a_state_dict(tmp_path: Path) -> None:
    levels = DensityLevels([1e-5, 3e-4, 0.1234567])
    levels.save(tmp_path / "levels.json")
    assert torch.equal(DensityLevels.load(tmp_path / "levels.json").edges, levels.edges)
    other = DensityLevels([1.0, 2.0, 3.0])
    other.load_state_dict(levels.state_dict())
    assert torch.equal(other.edges, levels.edges)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: DensityLevels([]), ShapeError, "edges: expected a list"),
        (lambda: DensityLevels([2.0, 1.0]), ArgumentError, "ascending"),
        (lambda: DensityLevels([0.0, 1.0]), ArgumentError, "positive"),
        (lambda: DensityLevels.fit([torch.zeros(3, 3)]), DataError, "is the set empty"),
        (lambda: DensityLevels.fit([], levels=1), ArgumentError, "whole number >= 2"),
        (lambda: DensityLevels.fit([], levels=2.5), ArgumentError, "whole number >= 2"),
        (lambda: DensityLevels.fit([], threshold=math.inf), ArgumentError, "threshold: expected a number in"),
        (
            lambda: DensityLevels.fit([torch.full((3,), math.inf)]),
            DataError,
            "fewer than 1000 people per pixel",
        ),
        (lambda: DensityLevels.fit([], method="equal_widht"), UnknownNameError, "did you mean 'equal_width'"),
        (lambda: DensityLevels.load("/nowhere/levels.json"), DataError, "expected the edges"),
        (lambda: density_map([[9.0, 1.0]], (4, 6), sigma=1.0), ArgumentError, r"0: \(9, 1\)"),
        (lambda: density_map([[1.0, 1.0]], (4, 6), sigma="cfanet"), DTypeError, r"sigma_rule\('cfanet'\)"),
        (lambda: density_map([[1.0, 1.0]], 6, sigma=1.0), ShapeError, r"size: expected \(H, W\)"),
    ],
)
def test_bad_input_is_told_in_words(
    call: Callable[[], object], error: type[CrowdKitError], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
