"""From a configuration's data section to the training and the validation images."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crowdkit.data import (
    CachedDataset,
    Compose,
    CrowdData,
    EmptyScenes,
    Resize,
    Subset,
    SyntheticCrowd,
    dataset_class,
    split_train_val,
    warn_of_doubts,
)
from crowdkit.errors import ConfigError, check_choice, unknown_name
from crowdkit.training.config import DataConfig, SourceConfig


def open_dataset(config: SourceConfig, *, split: str = "train") -> CrowdData:
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


def data_sources(config: DataConfig) -> list[SourceConfig]:
    """List the data sets that a configuration names, in the order of :func:`open_splits`.

    Args:
        config: The data section.

    Returns:
        Its ``sets`` with their roots below ``config.root``; without any, the section itself, of ShanghaiTech with
        ``part = "AB"`` once per part.

    Raises:
        ConfigError: If a part is named twice.

    Examples:
        >>> from crowdkit.training import DataConfig
        >>> [each.part for each in data_sources(DataConfig(part="AB"))]
        ['A', 'B']
    """
    if config.sets:
        return [replace(each, root=str(Path(config.root, each.root))) for each in config.sets]
    if config.dataset != "shanghaitech" or len(config.part) < 2:
        return [config]
    if len(set(config.part)) < len(config.part):
        raise ConfigError(f"data.part: expected each part once, got {config.part!r}; take one away")
    return [replace(config, part=part) for part in config.part]


def open_splits(config: DataConfig, split: str) -> list[CrowdData]:
    """Open one split of every data set that a configuration names.

    Args:
        config: The data section.
        split: As for :func:`open_split`.

    Returns:
        The images of each data set; every one is split by itself and has its own rule for sigma.

    Raises:
        UnknownNameError: If a part is not there.
        ConfigError: If a part is named twice.
    """
    return [open_split(each, split) for each in data_sources(config)]


def open_split(config: SourceConfig, split: str) -> CrowdData:
    """Open one split of one data set.

    ``train`` and ``val`` are parts of the training images, unless the data set has validation images of its own.

    Args:
        config: The data set.
        split: ``"train"``, ``"val"``, or ``"test"`` (the data set's own test images).

    Returns:
        The images, without those excluded.

    Raises:
        ConfigError: If an excluded name is not there.
    """
    if split == "test" or getattr(dataset_class(config.dataset), "has_val", False):
        own = open_dataset(config, split=split)
        warn_of_doubts(own)
        return _without(own, config.exclude)
    everything = open_dataset(config)
    warn_of_doubts(everything)
    unknown = sorted(set(config.exclude) - set(everything.names))
    if unknown:
        raise ConfigError(str(unknown_name("data.exclude", unknown[0], everything.names)))
    parts = split_train_val(everything, fraction=config.val_fraction, seed=config.val_seed)
    return _without(parts[split == "val"], config.exclude)


def _without(images: CrowdData, names: Sequence[str]) -> CrowdData:
    kept = [index for index, name in enumerate(images.names) if name not in names]
    return images if len(kept) == len(images) else Subset(images, kept)


def open_empty_scenes(
    sources: Sequence[CrowdData], config: DataConfig, *, split: str = "train"
) -> EmptyScenes:
    """Make the images without people that belong to a configuration.

    Args:
        sources: Where headless windows are cut.
        config: The data section; its ``crop`` is (height, width).
        split: ``"train"``, or ``"val"`` for those that are counted at every validation.

    Returns:
        The images; by number they are always the same.

    Raises:
        ConfigError: If ``crop`` is a fraction.
    """
    if isinstance(config.crop, float):
        raise ConfigError(
            f"data.crop: expected [height, width] with data.empty_scenes, got the fraction {config.crop}; change it"
        )
    return EmptyScenes(
        sources,
        sigma=[each.sigma for each in data_sources(config)],
        size=config.crop,
        scale=config.scale or (1.0, 1.0),
        split=split,
    )


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


def _check_options(maker: type, config: SourceConfig, *, taken: tuple[str, ...]) -> None:
    known = [each for each in inspect.signature(maker).parameters if each not in taken]
    for key in config.options:
        if key not in known:
            raise ConfigError(str(unknown_name("data.options", key, known)))


def _tuples(options: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
