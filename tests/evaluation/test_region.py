"""A region of interest in an evaluation: people are counted inside it alone."""

import math

import pytest
import torch

from crowdkit.data import Resize, Sample, Subset, SyntheticCrowd, roi_map, roi_sample, roi_truth
from crowdkit.evaluation import evaluate, mean_baseline
from crowdkit.models import CrowdModel
from crowdkit.ops import count
from crowdkit.prediction import Prediction
from crowdkit.targets import sigma_rule

RULE = sigma_rule("cfanet-mall")
REGION = torch.ones(96, 128, dtype=torch.bool)
REGION[:, :37] = False


class Watched(SyntheticCrowd):
    """Scenes seen by a camera whose left part does not count."""

    def roi(self, index):  # noqa: ARG002
        return REGION.clone()

    def __getitem__(self, index):
        return super().__getitem__(index)._replace(roi=self.roi(index))


SCENES = Watched(4, size=(96, 128), people=(4, 20), split="val")
INSIDE = [int((SCENES.annotation(index).points[:, 0] >= 37).sum()) for index in range(4)]


class Everywhere(CrowdModel):
    """Sees one person a cell of 8 x 8 pixels, wherever."""

    name = "everywhere"
    stride = 8

    def __init__(self):
        super().__init__()
        self.config = {}

    def forward(self, images):
        height, width = (-(-side // 8) for side in images.shape[-2:])
        return Prediction(torch.ones(len(images), 1, height, width))


class Knowing(Everywhere):
    """Says the true map of everybody, also of those who do not count."""

    def __init__(self):
        super().__init__()
        samples = [SCENES[index]._replace(roi=None) for index in range(4)]
        self.known = {float(each.image.double().sum()): roi_truth(each, RULE, 8) for each in samples}

    def forward(self, images):
        return Prediction(self.known[float(images.double().sum())])


def test_the_scenes_have_people_on_both_sides():
    assert all(0 < inside < SCENES.count(index) for index, inside in enumerate(INSIDE))


def test_heads_outside_are_left_out_of_truth_and_count():
    result = evaluate(Everywhere(), SCENES, device="cpu")
    assert [each.people for each in result.counts] == INSIDE
    # 12 rows of 16 cells, of which four and 5/8 of one do not count.
    expected = 12 * (16 - 37 / 8)
    assert [each.count for each in result.counts] == pytest.approx([expected] * 4)
    assert result.mae == pytest.approx(sum(abs(expected - each) for each in INSIDE) / 4)
    assert result.protocol.endswith("inside the region of interest alone")


def test_without_a_region_nothing_changes():
    plain = SyntheticCrowd(4, size=(96, 128), people=(4, 20), split="val")
    result = evaluate(Everywhere(), plain, device="cpu")
    assert [each.people for each in result.counts] == [plain.count(index) for index in range(4)]
    assert [each.count for each in result.counts] == [192] * 4
    assert "region" not in result.protocol


@pytest.mark.parametrize("full_resolution", [False, True])
def test_one_who_knows_everybody_is_right_inside(full_resolution):
    result = evaluate(Knowing(), Subset(SCENES, [0, 1, 2, 3]), full_resolution=full_resolution, device="cpu")
    # Heads near the edge of the region spread over it: a part of a person, never one who does not count.
    assert result.mae < 0.75
    assert result.mae < 0.2 * sum(SCENES.count(index) - inside for index, inside in enumerate(INSIDE)) / 4
    assert result.game1 >= result.mae
    assert result.people == sum(INSIDE)


def test_the_mean_is_that_of_people_inside():
    result = mean_baseline(SCENES, SCENES, stride=8)
    mean = sum(INSIDE) / 4
    assert [each.count for each in result.counts] == pytest.approx([mean] * 4, rel=1e-5)
    assert [each.people for each in result.counts] == INSIDE
    resized = mean_baseline(SCENES, SCENES, transform=Resize(size=(192, 256)), stride=8)
    assert [each.count for each in resized.counts] == pytest.approx([mean] * 4, rel=1e-5)


@pytest.mark.parametrize("stride", [1, 4, 8])
def test_the_true_map_sums_to_the_people_inside(stride):
    for index, inside in enumerate(INSIDE):
        sample = roi_sample(SCENES[index], RULE)
        truth = roi_truth(sample, RULE, stride)
        assert float(count(truth)) == pytest.approx(inside, rel=1e-5)
        assert float(truth[..., : 37 // stride].abs().sum()) == 0
        torch.testing.assert_close(roi_map(truth, sample, stride) > 0, truth > 0)


def test_sigmas_are_those_of_the_whole_crowd():
    points = torch.tensor([[30.0, 10.0], [40.0, 10.0], [60.0, 10.0], [60.0, 50.0]])
    sample = Sample(torch.zeros(3, 96, 128), points, {"name": "a"}, roi=REGION)
    rule = sigma_rule("cfanet")
    kept = roi_sample(sample, rule)
    assert torch.equal(kept.points, points[1:])
    assert torch.equal(kept.sigma, rule(points, (96, 128))[1:])
    own = roi_sample(sample._replace(sigma=torch.arange(4.0)), rule)
    assert own.sigma.tolist() == [1, 2, 3]


def test_nobody_inside():
    sample = Sample(torch.zeros(3, 96, 128), torch.tensor([[5.0, 5.0]]), {"name": "a"}, roi=REGION)
    truth = roi_truth(roi_sample(sample, RULE), RULE, 4)
    assert truth.shape == (1, 1, 24, 32)
    assert float(truth.sum()) == 0
    assert math.isfinite(float(truth.sum()))
