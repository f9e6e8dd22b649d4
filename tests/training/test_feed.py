import pytest
import torch

from crowdkit.data import CachedDataset, EmptyScenes, SyntheticCrowd, generator_for
from crowdkit.errors import ConfigError, ShapeError
from crowdkit.training import (
    DataConfig,
    EpochBatches,
    SourceConfig,
    TrainingSet,
    collate_examples,
    open_splits,
)
from crowdkit.training.feed import training_loader
from crowdkit.training.mixture import Mixture


def _crops(**changes):
    scenes = SyntheticCrowd(6, size=(64, 80), people=(2, 10))
    return TrainingSet(
        [scenes], DataConfig(dataset="synthetic", **{"crop": (32, 48), **changes}), stride=4, seed=3
    )


def test_maps_are_made_after_the_crop_and_sum_to_its_people():
    crops = _crops()
    for index in range(len(crops)):
        (image, points, *_), density = crops[0, index]
        assert image.shape == (3, 32, 48)
        assert density.shape == (1, 8, 12)
        assert float(density.sum()) == pytest.approx(len(points), abs=1e-4)
        assert bool(((points >= 0) & (points < torch.tensor([48, 32]))).all())


def test_sigma_is_that_of_the_whole_crowd():
    crops = _crops(sigma="cfanet", crop=1.0)
    sample = crops.whole(0, 0)
    part = _crops(sigma="cfanet").cut(sample, torch.Generator().manual_seed(0))
    assert {round(float(each), 4) for each in part.sigma} <= {round(float(each), 4) for each in sample.sigma}


def test_a_crop_depends_on_seed_epoch_and_index_alone():
    crops = _crops()
    torch.manual_seed(1)
    first = crops[2, 4].sample.image
    torch.manual_seed(2)
    assert torch.equal(first, crops[2, 4].sample.image)
    assert any(not torch.equal(first, crops[epoch, 4].sample.image) for epoch in range(3, 6))


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
    batch = collate_examples([one, two])
    assert batch.density.shape == (2, 1, 8, 12)
    assert batch.density.sum((1, 2, 3)).tolist() == pytest.approx(batch.counts.tolist(), abs=1e-4)
    lower = two.sample._replace(image=two.sample.image[:, :16])
    with pytest.raises(ShapeError, match=r"data\.crop"):
        collate_examples([one, two._replace(sample=lower)])


def _mixed(shanghaitech, *, keep=False, **changes):
    settings = {
        "crop": (32, 40),
        "scale": (0.5, 2.0),
        "empty_scenes": 0.4,
        "augment": {"gray": 0.5, "jpeg": 0.5},
    }
    config = DataConfig(root=str(shanghaitech), part="AB", **{**settings, **changes})
    return TrainingSet(open_splits(config, "train"), config, stride=4, seed=3, keep=keep)


def test_several_data_sets_keep_their_own_rules(shanghaitech):
    crops = _mixed(shanghaitech, empty_scenes=0.0)
    assert (crops.images, len(crops)) == (11, 11)
    places = [crops.mixture.image(3, crop) for crop in range(11)]
    assert places == [*((0, number) for number in range(10)), (1, 0)]
    assert [rule.name for rule in crops.rules] == ["cfanet-sha", "cfanet-shb"]
    assert crops.whole(1, 0).sigma.tolist() == [15.0] * len(crops.whole(1, 0).points)
    with pytest.raises(IndexError, match="11 crops"):
        crops[0, 11]


def _shared(*shares, length=None):
    sources = [SyntheticCrowd(number) for number in (3, 10)]
    configs = [SourceConfig(share=share) for share in shares]
    return Mixture(sources, configs, length=length, seed=5)


def test_shares_divide_the_epoch_and_every_image_comes_before_any_comes_again():
    mixture = _shared(1, 3, length=8)
    assert len(mixture) == 8
    assert len(_shared(1, 3)) == 13
    crops = [[mixture.image(epoch, crop) for crop in range(8)] for epoch in range(15)]
    assert all([source for source, _ in epoch] == [0] * 2 + [1] * 6 for epoch in crops)
    for source, images in ((0, 3), (1, 10)):
        seen = [number for epoch in crops for which, number in epoch if which == source]
        turns = [seen[start : start + images] for start in range(0, len(seen) - images + 1, images)]
        assert all(sorted(turn) == list(range(images)) for turn in turns)
        assert len({tuple(turn) for turn in turns}) > 1
    assert crops == [[_shared(1, 3, length=8).image(epoch, crop) for crop in range(8)] for epoch in range(15)]


def test_boxes_say_how_wide_heads_are():
    class Boxed(SyntheticCrowd):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return sample._replace(sigma=torch.full((len(sample.points),), 2.5))

    scenes = Boxed(2, size=(64, 80), people=(3, 3))
    crops = TrainingSet([scenes], DataConfig(dataset="synthetic", crop=1.0), stride=4, seed=0)
    assert crops.whole(0, 1).sigma.tolist() == [2.5] * 3


def test_kept_images_change_no_crop(shanghaitech):
    one, two = _mixed(shanghaitech), _mixed(shanghaitech, keep=True)
    for epoch in range(2):
        for index in range(len(one)):
            a, b = one[epoch, index], two[epoch, index]
            assert torch.equal(a.sample.image, b.sample.image)
            assert torch.equal(a.density, b.density)


def test_a_share_of_the_crops_shows_nobody(shanghaitech):
    crops = _mixed(shanghaitech)
    assert (crops.images, len(crops)) == (11, 18)
    for index in range(11, 18):
        sample, density = crops[0, index]
        assert sample.image.shape == (3, 32, 40)
        assert len(sample.points) == float(density.abs().sum()) == 0
        assert not torch.equal(sample.image, crops[1, index].sample.image)
        assert torch.equal(sample.image, crops[0, index].sample.image)
    sample, density = crops[0, 10]
    assert float(density.sum()) == pytest.approx(len(sample.points), abs=1e-4)
    batch = collate_examples([crops[0, index] for index in (10, 11)])
    assert [len(each) for each in batch.sigmas] == [len(sample.points), 0]


def test_headless_windows_keep_away_from_heads():
    scenes = CachedDataset(SyntheticCrowd(3, size=(160, 200), people=(3, 6)))
    empty_scenes = EmptyScenes([scenes], sigma=[5.0], size=(32, 32), scale=(0.8, 2.0))
    seen = set()
    for number in range(40):
        sample = empty_scenes.draw(generator_for(number))
        assert sample.image.shape == (3, 32, 32)
        assert len(sample.points) == 0
        steps = {each["name"]: each for each in sample.meta.get("transforms", ())}
        if "crop" not in steps:
            seen.add("clutter")
            continue
        seen.add("window")
        window = steps["crop"]
        x, y = scenes.annotation(scenes.names.index(sample.meta["name"])).points.unbind(1)
        outside_x = torch.maximum(window["left"] - x, x - window["left"] - window["width"])
        outside_y = torch.maximum(window["top"] - y, y - window["top"] - window["height"])
        assert float(torch.maximum(outside_x, outside_y).min()) >= 10  # two sigmas
    assert seen == {"clutter", "window"}


def test_where_everybody_is_clutter_stands_in():
    crowded = CachedDataset(SyntheticCrowd(1, size=(64, 64), people=(100, 100)))
    empty_scenes = EmptyScenes([crowded], sigma=[15.0], size=(48, 48), length=6)
    assert all("transforms" not in empty_scenes[index].meta for index in range(6))
    assert [empty_scenes[index].meta["name"] for index in range(6)] == empty_scenes.names
    held_out = EmptyScenes([crowded], sigma=[15.0], size=(48, 48), length=6, split="val")
    assert not torch.equal(empty_scenes[0].image, held_out[0].image)


@pytest.mark.parametrize("key", ["scale", "empty_scenes"])
def test_zoom_and_nobody_want_a_crop_in_pixels(key):
    changes = {"crop": 0.5, key: {"scale": (0.5, 2.0), "empty_scenes": 0.1}[key]}
    with pytest.raises(ConfigError, match=rf"data\.crop: expected \[height, width\] with data\.{key}"):
        _crops(**changes)
