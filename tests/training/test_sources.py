from typing import get_args, get_type_hints

import pytest
import torch

from crowdkit.data import CachedDataset, SyntheticCrowd, list_datasets, resolve_sigma
from crowdkit.errors import ArgumentError, ConfigError, DataError, UnknownNameError
from crowdkit.training import DataConfig, open_dataset, open_split, open_splits, resizing

OPTIONS = {"length": 12, "size": [40, 48], "people": [1, 5], "seed": 4}


def test_drawn_scenes_are_those_of_the_data_set():
    scenes = open_dataset(DataConfig(dataset="synthetic", options=OPTIONS))
    plain = SyntheticCrowd(12, size=(40, 48), people=(1, 5), seed=4)
    for _ in range(2):
        assert torch.equal(scenes[3].image, plain[3].image)
        assert torch.equal(scenes[3].points, plain[3].points)
    assert (len(scenes), scenes.count(3), scenes.size(3)) == (12, plain.count(3), (40, 48))


def test_splits_share_no_scene():
    config = DataConfig(dataset="synthetic", options=OPTIONS, val_fraction=0.25)
    train, val, test = (open_split(config, split) for split in ("train", "val", "test"))
    assert (train.split, val.split, test.split) == ("train", "val", "test")
    assert (len(train), len(val), len(test)) == (9, 3, 12)
    assert not set(train.names) & set(val.names)


def test_unknown_options_and_a_missing_root():
    with pytest.raises(ConfigError, match="did you mean 'people'"):
        open_dataset(DataConfig(dataset="synthetic", options={"peoples": 3}))
    with pytest.raises(ConfigError, match=r"data\.root"):
        open_dataset(DataConfig())


def write_nwpu(home, jpeg):
    (home / "jsons").mkdir(parents=True)
    for number in range(1, 16):
        jpeg(home / f"images/{number:04d}.jpg", (20, 30))
        (home / f"jsons/{number:04d}.json").write_text('{"points": [[1, 2]]}')
    for name, numbers in {"train": range(1, 11), "val": range(11, 14), "test": range(14, 16)}.items():
        (home / f"{name}.txt").write_text("".join(f"{number:04d} 1 1\n" for number in numbers))


def test_a_published_validation_split_is_honoured(tmp_path, jpeg):
    write_nwpu(tmp_path, jpeg)
    config = DataConfig(dataset="nwpu_crowd", root=str(tmp_path))
    assert [len(open_split(config, split)) for split in ("train", "val", "test")] == [10, 3, 2]
    assert open_split(config, "val").split == "val"


def test_both_parts_are_two_data_sets_each_split_by_itself(shanghaitech):
    both = DataConfig(root=str(shanghaitech), part="AB")
    for split, lengths in (("train", [10, 1]), ("val", [2, 1])):
        sets = open_splits(both, split)
        assert [len(each) for each in sets] == lengths
        assert [each.sigma_rule for each in sets] == ["cfanet-sha", "cfanet-shb"]
        alone = [open_split(DataConfig(root=str(shanghaitech), part=part), split) for part in "AB"]
        assert [each.names for each in sets] == [each.names for each in alone]
    [only] = open_splits(DataConfig(root=str(shanghaitech), part="B"), "train")
    assert only.name == "ShanghaiTech part_B"
    for part, error in (("AA", ConfigError), ("AC", UnknownNameError), ("", UnknownNameError)):
        with pytest.raises(error, match="part"):
            open_splits(DataConfig(root=str(shanghaitech), part=part), "train")
    with pytest.raises(UnknownNameError, match="part"):
        open_split(both, "train")


def test_kept_images_are_the_same_and_read_once(shanghaitech, tmp_path):
    images = open_dataset(DataConfig(root=str(shanghaitech), part="A"))
    before = [images[index] for index in range(3)]
    kept = CachedDataset(images)
    assert [torch.equal(kept[index].image, before[index].image) for index in range(3)] == [True] * 3
    assert [kept.count(index) for index in range(3)] == [images.count(index) for index in range(3)]
    assert kept.size(2) == before[2].image.shape[1:]
    for index in range(3):
        images.records[index].image.unlink()
    for _ in range(2):
        for index in range(3):
            assert torch.equal(kept[index].image, before[index].image)
            assert torch.equal(kept[index].points, before[index].points)


def test_kept_images_lose_no_bit():
    class Fine(SyntheticCrowd):
        def __getitem__(self, index):
            return super().__getitem__(index)._replace(image=torch.rand(3, 4, 4, generator=make()))

    def make():
        return torch.Generator().manual_seed(0)

    kept = CachedDataset(Fine(1))
    for _ in range(2):
        assert torch.equal(kept[0].image, torch.rand(3, 4, 4, generator=make()))
        kept[0].image.zero_()


def test_every_data_set_is_opened_by_name(tmp_path):
    for name in get_args(get_type_hints(DataConfig)["dataset"]):
        if name != "synthetic":
            with pytest.raises(DataError, match="root"):
                open_dataset(DataConfig(dataset=name, root=str(tmp_path / "nowhere")))
    assert sorted(get_args(get_type_hints(DataConfig)["dataset"])) == list_datasets()
    with pytest.raises(UnknownNameError, match="did you mean 'mall'"):
        open_dataset(DataConfig(dataset="malls", root=str(tmp_path)))


def test_options_are_those_of_the_data_set(tmp_path, jpeg):
    write_nwpu(tmp_path, jpeg)
    with pytest.raises(ConfigError, match="did you mean 'incomplete'"):
        open_dataset(DataConfig(dataset="nwpu_crowd", root=str(tmp_path), options={"incomplet": True}))
    with pytest.raises(ConfigError, match="'part'"):
        open_dataset(DataConfig(dataset="mall", root=str(tmp_path), options={"part": "A"}))
    (tmp_path / "images/0003.jpg").unlink()
    config = DataConfig(dataset="nwpu_crowd", root=str(tmp_path), options={"incomplete": True})
    assert len(open_dataset(config)) == 9
    with pytest.raises(UnknownNameError, match="split"):
        open_dataset(DataConfig(dataset="mall", root=str(tmp_path)), split="val")


def test_resizing_is_optional():
    scenes = SyntheticCrowd(1, size=(40, 48))
    assert resizing(DataConfig())(scenes[0]).image.shape == (3, 40, 48)
    assert resizing(DataConfig(short_side_min=80))(scenes[0]).image.shape == (3, 80, 96)


def test_sigma_is_a_rule_a_name_or_a_number():
    scenes = SyntheticCrowd(1, size=(40, 48))
    points = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert resolve_sigma("auto", scenes).name == scenes.sigma_rule
    assert resolve_sigma("csrnet-shb", scenes)(points, (40, 48)).tolist() == [15, 15]
    assert resolve_sigma(2, scenes)(points, (40, 48)).tolist() == [2, 2]
    with pytest.raises(UnknownNameError):
        resolve_sigma("csrnet", scenes)
    with pytest.raises(ArgumentError, match="positive"):
        resolve_sigma(-1.0, scenes)
