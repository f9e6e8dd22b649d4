"""Graduated BSL: where it begins, where it ends, and who hands it the progress."""

import pytest
import torch

from crowdkit.errors import ArgumentError
from crowdkit.losses import BSL, CFANetLoss, DensityMSELoss, GraduatedBSL, RelativeCountLoss, WeightedSum
from crowdkit.prediction import Prediction
from crowdkit.targets import DensityScale, density_map


def crowd(stride: int = 1, sigma: float = 4.0) -> torch.Tensor:
    heads = torch.rand(2, 12, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([128.0, 96.0])
    return torch.stack([density_map(each, (96, 128), sigma=sigma, stride=stride) for each in heads])[:, None]


@pytest.mark.parametrize("progress", [0.7, 0.9, 1.0])
def test_it_ends_as_bsl(progress):
    target = crowd(8)
    pred = target * torch.rand_like(target) + 0.001
    loss = GraduatedBSL(stride=8, count_weight=0.0)
    expected = BSL(stride=8, scales=5)(pred, target)
    torch.testing.assert_close(loss(pred, target, progress=progress), expected)


def test_softness_of_one_is_bsl_and_the_count():
    target = crowd(8)
    pred = target * torch.rand_like(target) + 0.001
    loss = GraduatedBSL(stride=8, softness=1.0, count_weight=0.5, count_floor=1e-6)
    expected = BSL(stride=8, scales=5)(pred, target) + 0.5 * RelativeCountLoss(minimum=1e-6)(pred, target)
    torch.testing.assert_close(loss(pred, target, progress=0.0), expected)


def best_answer(hope: float, progress: float) -> float:
    """The share of a head that costs least, where there is one with this probability and else nobody."""
    head = density_map(torch.tensor([[32.0, 32.0]]), (64, 64), sigma=8.0)[None, None]
    loss = GraduatedBSL(density=DensityScale.fit([head]).crowd)

    def cost(share: float) -> float:
        there = loss(share * head, head, progress=progress)
        return float(hope * there + (1 - hope) * loss(share * head, 0 * head, progress=progress))

    return min((step / 20 for step in range(25)), key=cost)


def test_a_network_that_is_not_sure_is_paid_for_silence_in_the_end_alone():
    assert best_answer(0.4, progress=0.0) == pytest.approx(0.35, abs=0.1)
    assert best_answer(0.4, progress=1.0) == 0
    assert best_answer(0.9, progress=1.0) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("progress", [0.0, 0.4, 1.0])
def test_it_is_the_same_loss_for_a_denser_crowd(progress):
    target = crowd(4).clamp(min=1e-3)  # all above the background's threshold
    pred = target * torch.rand_like(target)
    thin, dense = (GraduatedBSL(stride=4, density=each) for each in (0.002, 0.02))
    expected = thin(pred, target, progress=progress)
    torch.testing.assert_close(dense(10 * pred, 10 * target, progress=progress), expected)


def test_progress_comes_through_sums_and_the_whole_loss():
    target = crowd(4)
    pred = 0.3 * target + 0.002
    loss = GraduatedBSL(stride=4)
    both = WeightedSum([loss, DensityMSELoss(stride=4)], [0.5, 2.0])
    assert both.needs_progress
    for progress in (0.0, 0.5, 1.0):
        alone = loss(pred, target, progress=progress)
        expected = 0.5 * alone + 2 * DensityMSELoss(stride=4)(pred, target)
        torch.testing.assert_close(both(pred, target, progress=progress), expected)
        whole = CFANetLoss(None, density_loss=both, stride=4, density_weight=((0.0, 1.0),))
        torch.testing.assert_close(whole(Prediction(pred), target, progress=progress), expected)
    with pytest.raises(
        ArgumentError, match=r"progress: expected .* for GraduatedBSL, got None; pass progress="
    ):
        both(pred, target)
    with pytest.raises(ArgumentError, match=r"progress: expected .* for WeightedSum"):
        CFANetLoss(None, density_loss=both, stride=4).parts(Prediction(pred), target)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"progress": 1.5}, r"progress: expected a share .* in \[0, 1\], got 1.5; pass step / steps"),
        ({"progress": 0.5, "softness": 0.5}, r"softness: expected a finite number >= 1, got 0.5"),
        ({"progress": 0.5, "density": 0.0}, "density: expected a finite number > 0"),
    ],
)
def test_bad_numbers_are_answered_in_words(keywords, message):
    progress = keywords.pop("progress")
    with pytest.raises(ArgumentError, match=message):
        GraduatedBSL(**keywords)(crowd(8), crowd(8), progress=progress)
