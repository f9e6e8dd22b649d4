import math

import numpy as np
import pytest
import torch

from crowdkit.data import Subset, SyntheticCrowd, density_target, resolve_sigma
from crowdkit.errors import ArgumentError, UnknownNameError
from crowdkit.evaluation import _bootstrap, evaluate, mean_baseline, results_table
from crowdkit.evaluation._bootstrap import bootstrap_interval
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
            truth = density_target(sample, resolve_sigma("auto", SCENES), self.stride)
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


def test_counts_alone_take_no_true_map(monkeypatch):
    whole = evaluate(Oracle(0.5), SCENES, device="cpu")
    mean = mean_baseline(SCENES, SCENES, stride=4)

    def refuse(*_):
        raise AssertionError("a true map was made")

    monkeypatch.setattr("crowdkit.evaluation._map_metrics.roi_truth", refuse)
    alone = evaluate(Oracle(0.5), SCENES, map_metrics=False, device="cpu")
    assert (alone.mae, alone.rmse, alone.nae, alone.counts) == (
        whole.mae,
        whole.rmse,
        whole.nae,
        whole.counts,
    )
    assert all(math.isnan(getattr(alone, name)) for name in ("game1", "ssim", "psnr", "background_ratio"))
    assert "GAME" not in str(alone)
    assert "counts alone" in str(alone)
    assert mean_baseline(SCENES, SCENES, stride=4, map_metrics=False).mae == mean.mae


def test_the_mae_has_a_spread():
    """That of numpy's resamples, and the same again; one image has none."""
    result = evaluate(Oracle(0.5), SCENES, device="cpu")
    errors = np.array([abs(each.count - each.people) for each in result.counts])
    drawn = np.random.default_rng(0).choice(errors, (20_000, 5)).mean(axis=1)
    assert result.mae_interval == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])), rel=0.05)
    low, high = result.mae_interval
    assert low < result.mae < high
    assert evaluate(Oracle(0.5), SCENES, device="cpu").mae_interval == result.mae_interval
    one = mean_baseline(SCENES, Subset(SCENES, [2]), stride=4)
    assert one.mae_interval == pytest.approx((one.mae, one.mae))
    assert f"{low:.2f}-{high:.2f}" in str(result)
    assert result.to_dict()["mae_interval"] == (low, high)


def test_an_interval_of_many_images_is_drawn_in_parts(monkeypatch):
    errors = torch.rand(301, generator=torch.Generator().manual_seed(1)).tolist()
    whole = bootstrap_interval(errors)
    monkeypatch.setattr(_bootstrap, "_AT_ONCE", 1000)
    assert bootstrap_interval(errors) == pytest.approx(whole, rel=1e-12)
    spread = 1.645 * np.std(errors) / 301**0.5
    assert whole == pytest.approx((np.mean(errors) - spread, np.mean(errors) + spread), rel=0.01)
    assert bootstrap_interval(errors, seed=1) != whole


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
