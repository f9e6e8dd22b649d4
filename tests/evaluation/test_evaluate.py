import math

import pytest
import torch

from crowdkit.data import SyntheticCrowd, resolve_sigma, true_map
from crowdkit.errors import ArgumentError, UnknownNameError
from crowdkit.evaluation import evaluate, mean_baseline, results_table
from crowdkit.models import CrowdModel
from crowdkit.prediction import Prediction

SCENES = SyntheticCrowd(5, size=(64, 96), people=(0, 20), split="val")


class Oracle(CrowdModel):
    """Says the true map of the scene it is shown, times a factor."""

    name = "oracle"
    stride = 4

    def __init__(self, factor=1.0):
        super().__init__()
        self.config = {}
        self.factor = factor
        self.known = {}
        for index in range(len(SCENES)):
            sample = SCENES[index]
            truth = true_map(sample, resolve_sigma("auto", SCENES), self.stride)
            self.known[float(sample.image.double().sum())] = truth

    def forward(self, images):
        return Prediction(self.known[float(images.double().sum())][None] * self.factor)


def test_a_perfect_model_is_perfect():
    result = evaluate(Oracle(), SCENES, device="cpu")
    assert (result.mae, result.rmse, result.nae, result.game3) == pytest.approx((0, 0, 0, 0), abs=1e-4)
    assert result.ssim == pytest.approx(1)
    assert math.isinf(result.psnr)
    assert result.background_ratio < 1e-3
    assert (result.dataset, result.split, result.stride) == ("SyntheticCrowd", "val", 4)
    assert (result.images, result.people) == (5, sum(SCENES.count(index) for index in range(5)))


def test_a_known_error_is_found():
    result = evaluate(Oracle(0.5), SCENES, device="cpu")
    people = [SCENES.count(index) for index in range(5)]
    assert result.mae == pytest.approx(sum(people) / 2 / 5, abs=1e-3)
    assert result.rmse == pytest.approx((sum((each / 2) ** 2 for each in people) / 5) ** 0.5, abs=1e-3)
    assert result.nae == pytest.approx(0.5, abs=1e-4)
    assert [each.people for each in result.counts] == people
    assert [each.name for each in result.counts] == SCENES.names


def test_quality_at_full_resolution():
    """A perfect coarse map, enlarged, is near the fine truth but is not it; all else stays."""
    coarse = evaluate(Oracle(), SCENES, device="cpu")
    fine = evaluate(Oracle(), SCENES, device="cpu", full_resolution=True)
    assert 0.5 < fine.ssim < 0.9999
    assert 20 < fine.psnr < 80
    assert "full resolution" in fine.protocol
    assert "full resolution" not in coarse.protocol
    assert (fine.mae, fine.game3, fine.background_ratio) == (
        coarse.mae,
        coarse.game3,
        coarse.background_ratio,
    )


def test_maps_below_the_window_of_ssim_have_none():
    scenes = SyntheticCrowd(2, size=(40, 64), people=(1, 5))
    result = mean_baseline(scenes, scenes, stride=4)
    assert math.isnan(result.ssim)
    assert result.psnr > 0
    assert mean_baseline(scenes, scenes, stride=2).ssim > 0


def test_the_mode_of_the_model_and_the_random_numbers_stay(monkeypatch):
    seen, forward = [], Oracle.forward
    monkeypatch.setattr(
        Oracle, "forward", lambda self, images: seen.append(tuple(images.shape)) or forward(self, images)
    )
    model = Oracle().train()
    state = torch.get_rng_state()
    evaluate(model, SCENES, device="cpu")
    assert model.training
    assert torch.equal(state, torch.get_rng_state())
    assert seen == [(1, 3, 64, 96)] * 5


def test_the_mean_of_the_training_set_is_a_uniform_map():
    result = mean_baseline(SCENES, SCENES, stride=4)
    people = torch.tensor([float(SCENES.count(index)) for index in range(5)])
    assert result.mae == pytest.approx(float((people - people.mean()).abs().mean()), abs=1e-3)
    assert result.rmse == pytest.approx(float(people.std(correction=0)), abs=1e-3)
    assert 0 < result.background_ratio < 1
    assert all(each.count == pytest.approx(float(people.mean()), abs=1e-3) for each in result.counts)


def test_the_table_names_the_split_and_both_columns():
    result = evaluate(Oracle(0.9), SCENES, device="cpu")
    text = results_table({"model": result, "predict mean": mean_baseline(SCENES, SCENES, stride=4)})
    assert "SyntheticCrowd, split val: 5 images" in text
    assert "model  predict mean" in text
    assert "MAE" in str(result)
    assert result.to_dict()["counts"][0]["name"] == SCENES.names[0]


def test_mistakes_are_told():
    with pytest.raises(UnknownNameError, match="cfanet-sha"):
        evaluate(Oracle(), SCENES, sigma="cfanet-shaa", device="cpu")
    with pytest.raises(ArgumentError, match="at least one image"):
        evaluate(Oracle(), [], device="cpu", sigma=3)
