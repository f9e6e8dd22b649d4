import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.layers import ZIPHead
from crowdkit.losses import (
    BSL,
    CFANetLoss,
    DensityMSELoss,
    LossParts,
    ZeroInflatedPoissonLoss,
    bsl,
    level_cross_entropy,
    region_cross_entropy,
)
from crowdkit.ops import mean_pool, sum_pool
from crowdkit.prediction import Prediction

EDGES = (1e-5, 0.5, 0.9)


class Levels(nn.Module):
    """Density levels by hand, and what they were asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, density, *, stride=1):
        self.asked.append((tuple(density.shape[-2:]), stride))
        return sum((density / stride**2 >= edge).long() for edge in EDGES)


def prediction_for(size, batch=2, stages=4, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    sizes = [tuple(-(-side // 2**i) for side in size) for i in reversed(range(stages))]
    density = rand(batch, 1, *size)
    density[..., : size[1] // 2] *= 1e-5
    return density, Prediction(
        rand(batch, 1, *size),
        tuple(rand(batch, 1, *size) for _ in range(stages - 1)),
        tuple(rand(batch, 1, *each) - 0.5 for each in sizes),
        tuple(rand(batch, 4, *each) for each in sizes),
    )


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (0.0, (0.8, 0.3, 0.3)),
        (0.1, (0.9, 0.175, 0.3)),
        (0.2, (1.0, 0.05, 0.3)),
        (0.4, (1.0, 0.05, 0.175)),
        (0.6, (1.0, 0.05, 0.05)),
        (1.0, (1.0, 0.05, 0.05)),
    ],
)
def test_weights_are_those_of_figure_4(progress, expected):
    assert CFANetLoss(None).weights(progress) == pytest.approx(expected, abs=1e-15)


def test_sum_of_everything_by_hand():
    density, prediction = prediction_for((13, 22))
    loss = CFANetLoss(Levels(), stride=2)
    parts = loss.parts(prediction, density)
    estimates = (*prediction.stages, prediction.density)
    torch.testing.assert_close(parts.density, sum(bsl(each, density, stride=2) for each in estimates))
    region = level = 0
    for logits, factor in zip(prediction.region, (8, 4, 2, 1), strict=True):
        region += region_cross_entropy(logits, mean_pool(density, factor) / 4 >= 1e-5)
    for logits, factor in zip(prediction.level, (8, 4, 2, 1), strict=True):
        level += level_cross_entropy(logits, Levels()(sum_pool(density, factor), stride=2 * factor))
    torch.testing.assert_close(parts.region, region)
    torch.testing.assert_close(parts.level, level)
    assert loss.levels.asked == [((2, 3), 16), ((4, 6), 8), ((7, 11), 4), ((13, 22), 2)]
    for progress in (0.0, 0.3, 1.0):
        weights = loss.weights(progress)
        total = sum(w * p for w, p in zip(weights, parts[:3], strict=True))
        torch.testing.assert_close(loss(prediction, density, progress=progress), total)
        torch.testing.assert_close(loss.weigh(parts, progress=progress), total)


def test_blocks_are_held_against_the_heads_in_them():
    points = [torch.tensor([[0.0, 0.0], [31.9, 15.9], [17.0, 20.0]]), torch.zeros(0, 2)]
    density = torch.rand(2, 1, 8, 8)  # 30 x 31 pixels at stride 4
    head = ZIPHead(3, bins=(1, 2))
    blocks = head(torch.rand(2, 3, 2, 2))
    heads = torch.tensor([[[[1.0, 1.0], [0.0, 1.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    for reduction in ("mean", "none"):
        own = ZeroInflatedPoissonLoss(bins=(1, 2), reduction=reduction)
        loss = CFANetLoss(None, stride=4, block_loss=own, block_weight=0.3, reduction=reduction)
        assert loss.needs_points
        prediction = Prediction(density, blocks=blocks)
        without = loss(Prediction(density), density, progress=0.5, points=points)
        expected = without + 0.3 * own(blocks, heads)
        torch.testing.assert_close(loss(prediction, density, progress=0.5, points=points), expected)
    with pytest.raises(ArgumentError, match="points: expected the heads of each image for block_loss"):
        loss(prediction, density, progress=0.5)
    assert not CFANetLoss(None).needs_points


def test_reduction_is_over_images():
    density, prediction = prediction_for((12, 16), batch=3)
    none = CFANetLoss(Levels(), reduction="none")(prediction, density, progress=0.0)
    assert none.shape == (3,)
    for i in range(3):
        one = Prediction(
            prediction.density[i : i + 1],
            *(tuple(each[i : i + 1] for each in kind) for kind in prediction[1:4]),
        )
        torch.testing.assert_close(CFANetLoss(Levels())(one, density[i : i + 1], progress=0.0), none[i])
    for reduction in ("mean", "sum"):
        value = CFANetLoss(Levels(), reduction=reduction)(prediction, density, progress=0.0)
        torch.testing.assert_close(value, getattr(none, reduction)())


def test_prediction_in_eval_leaves_the_density_loss():
    density, prediction = prediction_for((12, 16))
    parts = CFANetLoss(None).parts(Prediction(prediction.density), density)
    assert isinstance(parts, LossParts)
    torch.testing.assert_close(parts.density, bsl(prediction.density, density))
    assert parts.region == 0
    assert parts.level == 0


def test_density_loss_and_schedules_are_arguments():
    density, prediction = prediction_for((12, 16))
    loss = CFANetLoss(
        None,
        density_loss=DensityMSELoss(),
        density_weight=((0.0, 2.0),),
        region_weight=((0.5, 1.0), (1.0, 3.0)),
        level_weight=((0.0, 0.0),),
    )
    assert loss.weights(0.75) == (2.0, 2.0, 0.0)
    assert loss.weights(0.25).region == 1.0
    value = loss(Prediction(prediction.density), density, progress=0.0)
    torch.testing.assert_close(value, 2 * F.mse_loss(prediction.density, density))


def test_default_density_loss_knows_stride_threshold_and_reduction():
    loss = CFANetLoss(None, stride=4, threshold=1e-4, reduction="sum").density_loss
    assert isinstance(loss, BSL)
    assert (loss.stride, loss.threshold, loss.reduction) == (4, 1e-4, "sum")


def test_half_precision_density_counts_in_float32():
    density = torch.full((1, 1, 8, 8), 30_000.0, dtype=torch.float16)
    prediction = Prediction(
        density, region=(torch.zeros(1, 1, 1, 1), *[torch.zeros(1, 1, n, n) for n in (2, 4, 8)])
    )
    assert CFANetLoss(None).parts(prediction, density).region.isfinite()


def test_gradients_reach_every_map():
    density, prediction = prediction_for((12, 16))
    leaves = [prediction.density, *prediction.stages, *prediction.region, *prediction.level]
    for leaf in leaves:
        leaf.requires_grad_()
    CFANetLoss(Levels())(prediction, density, progress=0.0).backward()
    assert all(leaf.grad.isfinite().all() and leaf.grad.any() for leaf in leaves)


def test_mistakes_are_answered_in_words():
    density, prediction = prediction_for((12, 16))
    with pytest.raises(ArgumentError, match="levels: expected density levels"):
        CFANetLoss(None)(prediction, density, progress=0.0)
    backwards = prediction._replace(region=prediction.region[::-1])
    with pytest.raises(
        ShapeError, match=r"prediction.region\[0\]: expected size \(2, 2\), 1/8 of .*\(12, 16\)"
    ):
        CFANetLoss(Levels())(backwards, density, progress=0.0)
    with pytest.raises(ShapeError, match=r"density_loss: expected .* same reduction"):
        CFANetLoss(Levels(), density_loss=BSL(reduction="none"))(prediction, density, progress=0.0)
    with pytest.raises(ShapeError, match=r"density_loss: expected .* same reduction"):
        CFANetLoss(Levels(), density_loss=BSL(), reduction="none")(prediction, density, progress=0.0)
    for progress in (-0.1, 1.1, float("nan")):
        with pytest.raises(ArgumentError, match="progress: expected a share"):
            CFANetLoss(None).weights(progress)
    for points in ((), ((0.5, 1.0), (0.5, 2.0)), ((0.0, -1.0),), ((0.0, 1.0), (2.0, 1.0))):
        with pytest.raises(ArgumentError, match="region_weight: expected"):
            CFANetLoss(None, region_weight=points)


class NeedsPoints(nn.Module):
    """The error of the count, from points."""

    needs_points = True

    def forward(self, pred, target=None, *, points):  # noqa: ARG002
        return (pred.sum((1, 2, 3)) - torch.tensor([float(len(each)) for each in points])).abs().mean()


def test_points_go_to_a_loss_that_needs_them():
    density, prediction = prediction_for((16, 16))
    heads = [torch.zeros(3, 2), torch.zeros(0, 2)]
    loss = CFANetLoss(Levels(), density_loss=NeedsPoints())
    expected = sum(NeedsPoints()(each, points=heads) for each in (prediction.density, *prediction.stages))
    torch.testing.assert_close(loss.parts(prediction, density, points=heads).density, expected)
    with pytest.raises(ArgumentError, match="points: expected the heads of each image for NeedsPoints"):
        loss(prediction, density, progress=0.5)


@pytest.mark.parametrize("loss", [region_cross_entropy, level_cross_entropy])
def test_attention_losses_take_tensors_alone(loss):
    for logits, target in ((np.zeros((1, 1, 2, 2)), torch.zeros(1)), (torch.zeros(1, 1, 2, 2), [[1]])):
        with pytest.raises(DTypeError, match=r"expected a tensor, got .*; use torch\.as_tensor"):
            loss(logits, target)
