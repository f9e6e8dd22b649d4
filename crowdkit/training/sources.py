"""From a configuration's data section to the training and the validation images."""

import inspect
from dataclasses import replace
from typing import Any

from crowdkit.data import (
    CachedDataset,
    Compose,
    CrowdData,
    Resize,
    SyntheticCrowd,
    dataset_class,
    split_train_val,
)
from crowdkit.errors import ConfigError, check_choice, unknown_name
from crowdkit.training.config import DataConfig


def open_dataset(config: DataConfig, *, split: str = "train") -> CrowdData:
    """Open the data set that a configuration names.

    Args:
        config: The data section.
        split: ``"train"`` or ``"test"``, or ``"val"`` where the data set has one of its own.

    Returns:
        The whole split.

    Raises:
        ConfigError: If the root is missing or an option is unknown.
        UnknownNameError: If there is no data set of that name, or it has no such split.
    """
    maker: Any = dataset_class(config.dataset)
    if config.dataset == "synthetic":
        _check_options(SyntheticCrowd, config, taken=("split", "transform"))
        return CachedDataset(SyntheticCrowd(**{"length": 100, **_tuples(config.options)}, split=split))
    if not config.root:
        raise ConfigError(
            "data.root: expected the data set's folder, got nothing; pass --set data.root=FOLDER"
        )
    known = {"root": config.root, "split": split}
    if config.dataset == "shanghaitech":
        check_choice("data.part", config.part, ("A", "B"))
        known["part"] = config.part
    _check_options(maker, config, taken=(*known, "transform"))
    dataset: CrowdData = maker(**known, **config.options)
    return dataset


def open_splits(config: DataConfig, split: str) -> list[CrowdData]:
    """Open one split of every data set that a configuration names; ``part = "AB"`` names two.

    Args:
        config: The data section.
        split: As for :func:`open_split`.

    Returns:
        The images, a data set each; every one is split by itself and has its own rule for sigma.

    Raises:
        UnknownNameError: If a part is not there.
        ConfigError: If a part is named twice.
    """
    if config.dataset != "shanghaitech" or len(config.part) < 2:
        return [open_split(config, split)]
    if len(set(config.part)) < len(config.part):
        raise ConfigError(f"data.part: expected each part once, got {config.part!r}; take one away")
    return [open_split(replace(config, part=part), split) for part in config.part]


def open_split(config: DataConfig, split: str) -> CrowdData:
    """Open one split of a configuration's data, which are one data set.

    ``train`` and ``val`` are parts of the training images, unless the data set has validation images of its own.

    Args:
        config: The data section.
        split: ``"train"``, ``"val"``, or ``"test"`` (the data set's own test images).

    Returns:
        The images.
    """
    if split == "test" or getattr(dataset_class(config.dataset), "has_val", False):
        return open_dataset(config, split=split)
    train, val = split_train_val(open_dataset(config), fraction=config.val_fraction, seed=config.val_seed)
    return train if split == "train" else val


def resizing(config: DataConfig) -> Compose:
    """Make the resizing that training and validation share.

    Args:
        config: The data section.

    Returns:
        A transform; it changes nothing when no limit is set.
    """
    if config.short_side_min is None and config.long_side_max is None:
        return Compose([])
    return Compose([Resize(short_side_min=config.short_side_min, long_side_max=config.long_side_max)])


def _check_options(maker: type, config: DataConfig, *, taken: tuple[str, ...]) -> None:
    known = [each for each in inspect.signature(maker).parameters if each not in taken]
    for key in config.options:
        if key not in known:
            raise ConfigError(str(unknown_name("data.options", key, known)))


def _tuples(options: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
