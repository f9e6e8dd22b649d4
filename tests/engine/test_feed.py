import pytest
import torch

from crowdkit.data import SyntheticCrowd
from crowdkit.engine import DataConfig
from crowdkit.engine.training.feed import EpochBatches, TrainingSet, stack, training_loader
from crowdkit.errors import ConfigError, ShapeError


def _crops(**changes):
    scenes = SyntheticCrowd(6, size=(64, 80), people=(2, 10))
    return TrainingSet(
        [scenes], DataConfig(dataset="synthetic", **{"crop": (32, 48), **changes}), stride=4, seed=3
    )


def test_maps_are_made_after_the_crop_and_sum_to_its_people():
    crops = _crops()
    for index in range(len(crops)):
        image, density, people, [points] = crops[0, index]
        assert image.shape == (3, 32, 48)
        assert density.shape == (1, 8, 12)
        assert float(density.sum()) == pytest.approx(float(people), abs=1e-4)
        assert len(points) == float(people)
        assert bool(((points >= 0) & (points < torch.tensor([48, 32]))).all())


def test_sigma_is_that_of_the_whole_crowd():
    crops = _crops(sigma="cfanet", crop=1.0)
    sample = crops.whole(0)
    part = _crops(sigma="cfanet").cut(sample, torch.Generator().manual_seed(0))
    assert {round(float(each), 4) for each in part.sigma} <= {round(float(each), 4) for each in sample.sigma}


def test_a_crop_depends_on_seed_epoch_and_index_alone():
    crops = _crops()
    torch.manual_seed(1)
    first = crops[2, 4].images
    torch.manual_seed(2)
    assert torch.equal(first, crops[2, 4].images)
    assert any(not torch.equal(first, crops[epoch, 4].images) for epoch in range(3, 6))


@pytest.mark.slow
def test_workers_change_nothing_and_draw_nothing():
    crops = _crops()
    found = []
    for workers in (0, 1):
        batches = EpochBatches(len(crops), batch_size=2, seed=0)
        loader = training_loader(crops, batches, workers=workers, pin=False)
        before = torch.get_rng_state()
        seen = []
        for epoch in range(2):
            batches.at(epoch, 0)
            seen += [batch.images for batch in loader]
        assert torch.equal(before, torch.get_rng_state())
        found.append(torch.cat(seen))
    assert torch.equal(*found)


def test_processes_share_an_epoch_without_overlap():
    shares = [EpochBatches(11, batch_size=2, seed=0, rank=rank, world=2) for rank in range(2)]
    seen = [key for share in shares for batch in share for key in batch]
    assert [len(share) for share in shares] == [2, 2]
    assert len(seen) == len(set(seen)) == 8
    whole = EpochBatches(11, batch_size=2, seed=0)
    order = list(whole)
    whole.at(0, 3)
    assert list(whole) == order[3:]
    whole.at(1, 0)
    assert [key[1] for batch in whole for key in batch] != [key[1] for batch in order for key in batch]


def test_too_large_a_batch_and_mixed_sizes():
    with pytest.raises(ConfigError, match="at most 3"):
        EpochBatches(3, batch_size=4, seed=0)
    crops = _crops()
    one, two = crops[0, 0], crops[0, 1]
    with pytest.raises(ShapeError, match=r"data\.crop"):
        stack([one, two._replace(images=two.images[:, :16])])
