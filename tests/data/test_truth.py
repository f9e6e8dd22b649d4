"""One target: a sample's map, and the same maps for a batch."""

import multiprocessing
import pickle

import pytest
import torch
from torch.utils.data import DataLoader

from crowdkit.data import (
    Sample,
    SyntheticCrowd,
    collate,
    density_target,
    density_targets,
    resolve_sigma,
    with_sigma,
)
from crowdkit.data.truth import sample_without_pixels
from crowdkit.errors import ArgumentError, UnknownNameError
from crowdkit.targets import density_map, list_sigma_rules, sigma_rule
from crowdkit.training import DataConfig, EpochBatches, TrainingSet
from crowdkit.training.feed import training_loader


@pytest.mark.parametrize("stride", [1, 4, 8])
def test_targets_of_a_padded_batch_are_those_of_its_samples(stride):
    samples = [SyntheticCrowd(1, size=size, people=(5, 9))[0] for size in ((40, 61), (33, 70))]
    batch = collate(samples, pad=True)
    targets = density_targets(batch, "cfanet-sha", stride)
    assert targets.shape == (2, 1, -(-40 // stride), -(-70 // stride))
    assert targets.sum((1, 2, 3)).tolist() == pytest.approx(batch.counts.tolist(), abs=1e-3)
    for sample, target in zip(samples, targets, strict=True):
        own = density_target(sample, "cfanet-sha", stride)
        assert torch.equal(target[:, : own.shape[1], : own.shape[2]], own)
        target[:, : own.shape[1], : own.shape[2]] = 0
        assert not target.any()
    assert batch.counts.tolist() == [len(each.points) for each in samples]


def test_own_sigmas_go_before_the_rule_and_a_crowd_keeps_its_own():
    scene = SyntheticCrowd(1, size=(64, 64), people=(6, 6))[0]
    boxed = scene._replace(sigma=torch.full((6,), 2.5))
    assert with_sigma(boxed, 9.0).sigma.tolist() == [2.5] * 6
    assert with_sigma(scene, 9).sigma.tolist() == [9.0] * 6
    expected = density_map(scene.points, (64, 64), sigma=2.5, stride=4)[None]
    assert torch.allclose(density_target(boxed, 9.0, 4), expected, atol=1e-6)
    assert density_targets(collate([boxed, boxed]), 9.0, 4).shape == (2, 1, 16, 16)


def test_a_sample_without_pixels_has_everything_else():
    scenes = SyntheticCrowd(2, size=(48, 56), people=(3, 6))
    blank, whole = sample_without_pixels(scenes, 1), scenes[1]
    assert blank.image.shape == whole.image.shape
    assert torch.equal(blank.points, whole.points)
    assert torch.equal(density_target(blank, "cfanet", 4), density_target(whole, "cfanet", 4))


def test_what_is_no_rule():
    with pytest.raises(UnknownNameError, match="did you mean 'cfanet'"):
        sigma_rule("cfane")
    for pixels in (0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match="positive"):
            sigma_rule(pixels)


def test_every_rule_is_pickled():
    points = torch.rand(9, 2) * 40
    for rule in (*map(sigma_rule, list_sigma_rules()), resolve_sigma(3, SyntheticCrowd(1))):
        again = pickle.loads(pickle.dumps(rule))
        assert torch.equal(again(points, (48, 48)), rule(points, (48, 48)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", sorted({"spawn", "forkserver"} & set(multiprocessing.get_all_start_methods()))
)
def test_loading_processes_may_be_started_in_any_way(method):
    config = DataConfig(dataset="synthetic", crop=(32, 48), sigma=3.0, empty_scenes=0.2)
    crops = TrainingSet([SyntheticCrowd(6, size=(64, 80), people=(2, 10))], config, stride=4, seed=3)
    batches = EpochBatches(len(crops), batch_size=2, seed=0)
    here = list(training_loader(crops, batches, workers=0, pin=False))
    loader = training_loader(crops, batches, workers=1, pin=False)
    assert isinstance(loader, DataLoader)
    loader.multiprocessing_context = method
    for one, two in zip(here, loader, strict=True):
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.density, two.density)


def test_a_batch_comes_apart_as_it_was():
    samples = [Sample(torch.rand(3, 8, size), torch.rand(size, 2), {"name": "x"}) for size in (4, 6)]
    for one, two in zip(samples, collate(samples, pad=True).samples(), strict=True):
        assert torch.equal(one.image, two.image)
        assert torch.equal(one.points, two.points)
