import pytest
import torch

from crowdkit.errors import DTypeError, ShapeError
from crowdkit.metrics import CountMAE, CountNAE, CountRMSE, count_mae, count_nae, count_rmse


@pytest.mark.parametrize("function", [count_mae, count_rmse, count_nae])
def test_maps_counts_and_whole_numbers_are_the_same(function):
    maps = torch.ones(2, 1, 3, 4)
    counts = torch.tensor([12.0, 12.0])
    truth = torch.tensor([10, 15])
    as_maps = torch.zeros(2, 1, 6, 6)
    as_maps[:, 0, 0, 0] = truth.float()
    values = {
        function(pred, target).item() for pred in (maps, counts) for target in (truth, as_maps, truth.int())
    }
    assert len(values) == 1


def test_counts_add_up_in_float64():
    # In float32 sixteen million and one is sixteen million; in float16 a count ends at 65,504.
    assert count_mae(torch.tensor([2**24 + 1]), torch.tensor([2**24])) == 1
    assert count_mae(torch.full((1, 1, 300, 300), 1.0, dtype=torch.float16), torch.tensor([90_001])) == 1
    metric = CountMAE()
    metric.update(torch.tensor([2.0**24]), torch.tensor([0]))
    metric.update(torch.tensor([1.0]), torch.tensor([0]))
    assert metric.total == 2**24 + 1


def test_nae_leaves_out_images_with_nobody():
    metric = CountNAE()
    metric.update(torch.tensor([5.0, 7.0, 0.0]), torch.tensor([10, 0, 0]))
    assert metric.compute() == 0.5
    assert metric.images == 1
    only_empty = CountNAE()
    only_empty.update(torch.tensor([5.0]), torch.tensor([0]))
    assert only_empty.compute().isnan()
    assert count_nae(torch.tensor([5.0]), torch.tensor([0])).isnan()


def test_rmse_is_not_the_mean_of_batch_values():
    metric = CountRMSE()
    metric.update(torch.tensor([3.0]), torch.tensor([0]))
    metric.update(torch.tensor([4.0, 0.0]), torch.tensor([0, 0]))
    assert metric.compute().item() == pytest.approx((25 / 3) ** 0.5)


def test_bad_input():
    with pytest.raises(DTypeError, match="expected real numbers, got torch.bool".replace(".", r"\.")):
        count_mae(torch.tensor([True]), torch.tensor([1]))
    with pytest.raises(ShapeError, match="target: expected 2 images as in pred, got 1"):
        count_mae(torch.tensor([1.0, 2.0]), torch.tensor([1.0]))
    with pytest.raises(ShapeError, match=r"maps \(B, 1, h, w\) or counts"):
        count_mae(torch.ones(2, 3, 4, 4), torch.ones(2))
