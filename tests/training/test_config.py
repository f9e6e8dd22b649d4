import dataclasses

import pytest

from crowdkit.errors import ConfigError
from crowdkit.training import TrainConfig, config_from_dict, config_to_dict, config_to_toml, load_config
from crowdkit.training.config_io import config_differences
from crowdkit.training.sources import data_sources


def test_the_defaults_are_the_recipe_of_the_paper():
    config = TrainConfig()
    assert (config.model.name, config.loss.name) == ("cfanet", "bsl")
    assert (config.optim.name, config.optim.lr, config.optim.schedule) == ("adam", 2e-5, "halve")
    assert (config.run.epochs, config.run.batch_size) == (500, 1)
    assert (config.data.crop, config.data.flip) == (0.5, 0.5)


def test_every_field_is_described():
    for section in dataclasses.fields(TrainConfig):
        kind = section.default_factory
        for each in dataclasses.fields(kind):
            words = "".join(cls.__doc__ for cls in kind.__mro__[:-1])
            assert f"\n        {each.name}: " in words or f"\n    {each.name}: " in words


def test_a_file_and_overrides(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('[data]\nroot = "here"\n[run]\nepochs = 7\n')
    config = load_config(
        path, ["run.epochs=9", "data.crop=[32, 48]", "data.part=B", "optim.lr=1", "model.options.levels=4"]
    )
    assert (config.data.root, config.run.epochs, config.data.crop) == ("here", 9, (32, 48))
    assert (config.data.part, config.model.options) == ("B", {"levels": 4})
    assert isinstance(config.optim.lr, float)
    assert load_config(None, ["data.val_seed=3", "data.val_seed=none"]).data.val_seed is None


def test_toml_and_tables_come_back_the_same(tmp_path):
    config = load_config(
        None,
        [
            'data.root=a "quoted" \\ ünïcode',
            "data.options={length = 3, size = [32, 32]}",
            "model.options={encoder_weights = 'x.safetensors', supervision = [1, 2]}",
            "run.time_limit=3",
        ],
    )
    path = tmp_path / "config.toml"
    path.write_text(config_to_toml(config), encoding="utf-8")
    assert load_config(path) == config
    assert config_from_dict(config_to_dict(config)) == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.epoch=3", "did you mean 'run.epochs'"),
        ("ruin.epochs=3", "did you mean 'run'"),
        ("run.epochs=many", "run.epochs: expected a whole number, got 'many'"),
        ("run.epochs=1.5", "run.epochs: expected a whole number, got 1.5"),
        ("run.epochs=true", "run.epochs"),
        ("run.compile=1", "run.compile: expected true or false, got 1"),
        ("optim.schedule=halv", "expected 'halve' or 'cosine' or 'constant', got 'halv'"),
        ("data.crop=[3]", r"data.crop: expected a number or \[a whole number, a whole number\]"),
        ("data.crop=1.5", "data.crop: expected a fraction"),
        ("data.root=none", "data.root: expected text"),
        ("run.epochs=0", "run.epochs: expected at least 1"),
        ("optim.lr=0", "optim.lr: expected more than 0"),
        ("data.flip=2", "data.flip: expected a share"),
        ("data.augment={jpg = 0.1}", "data.augment: .*did you mean 'jpeg'"),
        ("data.augment={jpeg = 'often'}", "data.augment: expected a table of a number each"),
        ("data.augment.jpeg=1.5", "data.augment.jpeg: expected a share"),
        ("data.empty_scenes=1", "data.empty_scenes: expected a share from 0 to below 1"),
        ("data.scale=[2, 0.5]", r"data.scale: expected \[smallest, largest\]"),
        ("run.workers=-1", "run.workers: expected at least 0"),
        ("run.time_limit=0", "run.time_limit"),
        ("run.validate_every=0", "run.validate_every"),
        ("run=3", "expected section.key=value"),
        ("run.epochs", "expected section.key=value"),
        ("run.epochs.deep=3", "run.epochs: expected a whole number"),
    ],
)
def test_mistakes_are_told(override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(None, [override])


def test_a_file_that_is_not_there_or_not_toml(tmp_path):
    with pytest.raises(ConfigError, match="expected a TOML file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[data\n")
    with pytest.raises(ConfigError, match="expected TOML"):
        load_config(tmp_path / "bad.toml")


def test_differences_are_named():
    assert config_differences(TrainConfig(), load_config(None, ["run.epochs=3"])) == ["run.epochs: 500 -> 3"]
    assert config_differences(TrainConfig(), TrainConfig()) == []


SETS = """
[data]
root = "photos"
crop = [64, 64]
epoch_crops = 30

[[data.sets]]
dataset = "shanghaitech"
root = "sha"
share = 2
exclude = ["IMG_2"]

[[data.sets]]
dataset = "folder"
root = "/empty"
options = { missing = "empty" }
share = 1.0
weight = 0.5
"""


def test_several_data_sets_are_tables_that_come_back(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(SETS)
    config = load_config(path)
    one, two = config.data.sets
    assert (one.share, one.exclude, one.part, two.weight) == (2.0, ("IMG_2",), "A", 0.5)
    assert [each.root for each in data_sources(config.data)] == ["photos/sha", "/empty"]
    path.write_text(config_to_toml(config))
    assert load_config(path) == config


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('part = "B"', r"data\.part: expected nothing beside data\.sets"),
        ("epoch_crops = 0", r"data\.epoch_crops: expected at least 1"),
    ],
)
def test_what_contradicts_several_data_sets_is_refused(tmp_path, change, words):
    path = tmp_path / "run.toml"
    path.write_text(SETS.replace("epoch_crops = 30", change))
    with pytest.raises(ConfigError, match=words):
        load_config(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("share = 2\n", "", r"expected a share for every data set or for none, got \[None, 1\.0\]"),
        ("share = 2\n", "share = 0\n", r"data\.sets\[0\]\.share: expected more than 0"),
        ("weight = 0.5", "weight = -1", r"data\.sets\[1\]\.weight: expected at least 0"),
        ("weight = 0.5", "wieght = 1", r"did you mean 'data\.sets\[1\]\.weight'"),
        ("weight = 0.5", "val_fraction = 2", r"data\.sets\[1\]\.val_fraction"),
        ('exclude = ["IMG_2"]', "exclude = [2]", r"data\.sets\[0\]\.exclude: expected a list of text each"),
    ],
)
def test_a_wrong_data_set_is_named_by_its_place(tmp_path, old, new, words):
    path = tmp_path / "run.toml"
    path.write_text(SETS.replace(old, new))
    with pytest.raises(ConfigError, match=words):
        load_config(path)


def test_sets_that_are_no_list_are_refused():
    with pytest.raises(ConfigError, match=r"data\.sets: expected a list of tables, \[\[data\.sets\]\]"):
        config_from_dict({"data": {"sets": {"root": "x"}}})
