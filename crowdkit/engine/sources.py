"""From a configuration's data section to the training and the validation images."""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crowdkit.data import (
    Compose,
    CrowdData,
    CrowdFolder,
    Resize,
    Sample,
    ShanghaiTech,
    SyntheticCrowd,
    split_train_val,
)
from crowdkit.engine.config import DataConfig
from crowdkit.errors import ConfigError, unknown_name
from crowdkit.targets import SigmaRule, density_map, sigma_rule


def open_dataset(config: DataConfig, *, split: str = "train") -> CrowdData:
    """Open the data set that a configuration names.

    Args:
        config: The data section.
        split: ``"train"`` or ``"test"``.

    Returns:
        The whole split.

    Raises:
        ConfigError: If the root is missing or an option is unknown.
    """
    makers: dict[str, Any] = {
        "synthetic": SyntheticCrowd,
        "folder": CrowdFolder,
        "shanghaitech": ShanghaiTech,
    }
    maker = makers[config.dataset]
    if config.dataset == "shanghaitech":
        _check_options(maker, config, ())
        return maker(_root(config), part=config.part, split=split)  # type: ignore[no-any-return]
    if config.dataset == "folder":
        _check_options(maker, config, ("root", "split"))
        return maker(_root(config), split=split, **config.options)  # type: ignore[no-any-return]
    _check_options(maker, config, ("split",))
    return maker(**{"length": 100, **_tuples(config.options)}, split=split)  # type: ignore[no-any-return]


def open_split(config: DataConfig, split: str) -> CrowdData:
    """Open one split of a configuration's data: ``train`` and ``val`` are parts of the training images.

    Args:
        config: The data section.
        split: ``"train"``, ``"val"``, or ``"test"`` (the data set's own test images).

    Returns:
        The images.
    """
    if split == "test":
        return open_dataset(config, split="test")
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


def _root(config: DataConfig) -> Path:
    if not config.root:
        raise ConfigError(
            "data.root: expected the data set's folder, got nothing; pass --set data.root=FOLDER"
        )
    return Path(config.root)


def _check_options(maker: Any, config: DataConfig, taken: tuple[str, ...]) -> None:
    known = [each for each in inspect.signature(maker).parameters if each not in taken]
    if config.dataset == "shanghaitech":
        known = []
    for key in config.options:
        if key not in known:
            raise ConfigError(str(unknown_name("data.options", key, known)))


def _tuples(options: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
