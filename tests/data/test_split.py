import pickle

import pytest

from crowdkit.data import HorizontalFlip, ShanghaiTech, Subset, SyntheticCrowd, split_train_val
from crowdkit.errors import ArgumentError


def test_every_tenth_in_natural_order(shanghaitech) -> None:
    train, val = split_train_val(ShanghaiTech(shanghaitech))
    assert val.names == ["IMG_1", "IMG_11"]
    assert train.names == [f"IMG_{number}" for number in (*range(2, 11), 12)]
    assert (train.split, val.split) == ("train", "val")


def test_natural_order_holds_for_any_dataset(shanghaitech) -> None:
    dataset = ShanghaiTech(shanghaitech)
    shuffled = Subset(dataset, [11, 3, 0, 7, 5])
    _, val = split_train_val(shuffled, fraction=0.5)
    assert val.names == ["IMG_1", "IMG_6", "IMG_12"]


def test_a_part_is_a_dataset(shanghaitech) -> None:
    dataset = ShanghaiTech(shanghaitech)
    train, val = split_train_val(dataset)
    assert (val.name, val.sigma_rule) == (dataset.name, dataset.sigma_rule)
    for index, place in enumerate(train.indices):
        assert train.count(index) == dataset.count(place)
        assert train.size(index) == dataset.size(place)
        assert train.annotation(index).points.equal(dataset.annotation(place).points)
    assert val[0].meta["split"] == "val"
    assert dataset[0].meta["split"] == "train"
    again = pickle.loads(pickle.dumps(val))
    assert again[1].image.equal(val[1].image)


def test_a_seed_draws(shanghaitech) -> None:
    dataset = ShanghaiTech(shanghaitech)
    parts = [split_train_val(dataset, fraction=0.25, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert parts[0][1].names == parts[1][1].names
    assert len({tuple(val.names) for _, val in parts}) > 1
    for train, val in parts:
        assert len(val) == 3
        assert sorted(train.indices + val.indices) == list(range(12))
        assert val.indices == sorted(val.indices)


def test_a_part_may_have_its_own_transform(shanghaitech) -> None:
    train, _ = split_train_val(ShanghaiTech(shanghaitech))
    flipped = Subset(train, [0], transform=HorizontalFlip(1.0))
    assert flipped.split == "train"
    assert flipped[0].image.equal(train[0].image.flip(-1))


def test_a_test_split_is_refused(shanghaitech) -> None:
    with pytest.raises(ArgumentError, match="no honest test figure"):
        split_train_val(ShanghaiTech(shanghaitech, split="test"))
    with pytest.raises(ArgumentError, match="no honest test figure"):
        split_train_val(SyntheticCrowd(4, split="test"))


@pytest.mark.parametrize("fraction", [0.0, -0.1, 0.6, 1.0])
def test_fractions_out_of_range_are_told(shanghaitech, fraction: float) -> None:
    with pytest.raises(ArgumentError, match="fraction"):
        split_train_val(ShanghaiTech(shanghaitech), fraction=fraction)


def test_one_image_is_too_few() -> None:
    with pytest.raises(ArgumentError, match="at least two"):
        split_train_val(SyntheticCrowd(1))
