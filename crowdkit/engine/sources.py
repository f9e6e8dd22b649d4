"""From a configuration's data section to the training and the validation images."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from crowdkit.data import (
    Annotation,
    Compose,
    CrowdData,
    Resize,
    Sample,
    Subset,
    SyntheticCrowd,
    dataset_class,
    split_train_val,
)
from crowdkit.data.datasets.base import region_of_interest
from crowdkit.data.validate import warn_of_doubts
from crowdkit.engine.config import DataConfig, SourceConfig
from crowdkit.errors import ConfigError, check_choice, unknown_name
from crowdkit.targets import SigmaRule, density_map, sigma_rule


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
        return Kept(SyntheticCrowd(**{"length": 100, **_tuples(config.options)}, split=split))
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


class Kept(Dataset[Sample]):
    """Images that are decoded or drawn once and kept in memory, as bytes wherever that loses nothing.

    Args:
        images: Where they come from.
    """

    def __init__(self, images: CrowdData) -> None:
        self.images = images
        self.name, self.split, self.names = images.name, images.split, images.names
        self.sigma_rule = images.sigma_rule
        self._kept: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        if index not in self._kept:
            sample = self.images[index]
            packed = sample.image.mul(255).round().to(torch.uint8)
            exact = torch.equal(_unpacked(packed), sample.image)
            self._kept[index] = sample._replace(image=packed if exact else sample.image)
        sample = self._kept[index]
        return sample._replace(image=_unpacked(sample.image))

    def annotation(self, index: int) -> Annotation:
        """Read the heads of one image."""
        return self.images.annotation(index)

    def size(self, index: int) -> tuple[int, int]:
        """Give height and width of one image."""
        return self.images.size(index)

    def count(self, index: int) -> int:
        """Give the number of heads of one image."""
        return self.images.count(index)

    def roi(self, index: int) -> Tensor | None:
        """Give the region of interest of one image; ``None`` is everywhere."""
        return region_of_interest(self.images, index)


def _unpacked(image: Tensor) -> Tensor:
    return image.to(torch.float32).div_(255) if image.dtype == torch.uint8 else image.clone()


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
        >>> from crowdkit.engine import DataConfig
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


def resolve_sigma(sigma: float | str | SigmaRule, dataset: CrowdData) -> SigmaRule:
    """Turn what a user says about sigma into a rule.

    Args:
        sigma: ``"auto"`` (the data set's own rule), a rule's name, a number of pixels, or a rule.
        dataset: The images.

    Returns:
        The rule.

    Raises:
        UnknownNameError: If there is no rule of that name.
        ConfigError: If the number is not positive.
    """
    if isinstance(sigma, SigmaRule):
        return sigma
    if isinstance(sigma, str):
        return sigma_rule(dataset.sigma_rule if sigma == "auto" else sigma)
    if not sigma > 0:
        raise ConfigError(f"sigma: expected a positive number of pixels, got {sigma}; raise it")
    pixels = float(sigma)
    return SigmaRule(f"{pixels:g}", f"{pixels:g} px", lambda points, _: torch.full((len(points),), pixels))


def true_map(sample: Sample, rule: SigmaRule, stride: int) -> Tensor:
    """Make the true density map of a sample at a model's stride.

    Args:
        sample: The sample; its own sigmas, set before any crop, go before the rule.
        rule: The rule for sigma.
        stride: Side of a cell in pixels.

    Returns:
        People per cell, shape :math:`(1, h, w)`.
    """
    height, width = int(sample.image.shape[-2]), int(sample.image.shape[-1])
    sigma = rule(sample.points, (height, width)) if sample.sigma is None else sample.sigma
    return density_map(sample.points, (height, width), sigma=sigma, stride=stride, truncate=rule.truncate)[
        None
    ]


def _check_options(maker: type, config: SourceConfig, *, taken: tuple[str, ...]) -> None:
    known = [each for each in inspect.signature(maker).parameters if each not in taken]
    for key in config.options:
        if key not in known:
            raise ConfigError(str(unknown_name("data.options", key, known)))


def _tuples(options: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
