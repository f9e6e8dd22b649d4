import pytest
import torch

from crowdkit.counting import count_zones, locate
from crowdkit.data import Zone
from crowdkit.errors import DataError, ShapeError, UnknownNameError
from crowdkit.metrics import localization
from crowdkit.targets import density_map

HEADS = torch.tensor([[12.5, 14.0], [40.0, 22.0], [61.5, 8.0], [99.9, 44.9], [30.0, 40.0]])
SIZE = (45, 100)


@pytest.mark.parametrize("method", ["transport", "peaks"])
@pytest.mark.parametrize("stride", [1, 4, 8])
def test_lone_heads_are_found_by_either_method(method, stride):
    density = density_map(HEADS, SIZE, sigma=4.0, stride=stride)[None, None]
    points = locate(density, stride=stride, size=SIZE, method=method)
    assert points.dtype == torch.float32
    assert localization([points], [HEADS], threshold=6.0).f1 == 1
    assert (points < torch.tensor([100.0, 45.0])).all()


def test_points_stay_on_the_canvas_of_a_ragged_map():
    density = torch.zeros(1, 1, 2, 2)
    density[..., 1, 1] = 1.0
    for method in ("transport", "peaks"):
        [point] = locate(density, stride=8, size=(9, 9), method=method)
        assert (point < 9).all()
        [free] = locate(density, stride=8, method=method)
        torch.testing.assert_close(free, torch.tensor([12.0, 12.0]))


def test_peaks_are_at_most_the_count_and_transport_exactly():
    noise = torch.rand(1, 1, 30, 40, generator=torch.Generator().manual_seed(0)) / 100
    people = round(float(noise.sum()))
    assert len(locate(noise, stride=8, method="peaks")) == people
    assert len(locate(noise, stride=8)) == people
    assert locate(0 * noise, stride=8).shape == locate(0 * noise, stride=8, method="peaks").shape == (0, 2)


def test_zones_partition_the_count():
    density = torch.rand(1, 1, 12, 25)
    cut = 37.25
    left = Zone("left", torch.tensor([[0, 0], [cut, 0], [cut, 45], [0, 45]], dtype=torch.float64))
    right = Zone("right", torch.tensor([[cut, 0], [100, 0], [100, 45], [cut, 45]], dtype=torch.float64))
    counts = count_zones(density, [left, right], stride=4, size=SIZE)
    assert list(counts) == ["left", "right"]
    assert sum(counts.values()) == pytest.approx(float(density.double().sum()), rel=1e-12)
    expected = density[0, 0, :, :9].sum() + density[0, 0, :, 9].sum() * 0.3125
    assert counts["left"] == pytest.approx(float(expected), rel=1e-5)


def test_bad_input_is_told_in_words():
    density = torch.rand(1, 1, 12, 25)
    with pytest.raises(UnknownNameError, match="did you mean 'peaks'"):
        locate(density, stride=4, method="peak")
    with pytest.raises(ShapeError, match="size: expected an image of 12 x 25 cells of 4 pixels"):
        locate(density, stride=4, size=(45, 104))
    with pytest.raises(ShapeError, match="expected one map, got 2"):
        locate(density.expand(2, 1, 12, 25), stride=4)
    outside = Zone("far", torch.tensor([[0, 0], [150, 0], [0, 20]], dtype=torch.float64))
    with pytest.raises(DataError, match="zone 'far'"):
        count_zones(density, [outside], stride=4, size=SIZE)
