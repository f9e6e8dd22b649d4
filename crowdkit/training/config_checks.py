"""The ranges of a configuration's values."""

from dataclasses import fields
from math import inf

from crowdkit.data import list_photometric
from crowdkit.errors import ConfigError, unknown_name
from crowdkit.training.config import DataConfig, SourceConfig, TrainConfig


def check_ranges(config: TrainConfig) -> None:
    """Check what a type does not say.

    Args:
        config: The configuration.

    Raises:
        ConfigError: If a value is out of range, or does not fit another.
    """
    data, optim, run = config.data, config.optim, config.run
    at_least_one = {"run.epochs": run.epochs, "run.batch_size": run.batch_size}
    not_negative = {
        "run.workers": run.workers,
        "run.checkpoint_every": run.checkpoint_every,
        "optim.weight_decay": optim.weight_decay,
        "optim.clip_norm": optim.clip_norm,
    }
    shares = {
        "data.flip": data.flip,
        "optim.warmup": optim.warmup,
        "optim.ema_decay": optim.ema_decay,
        **{f"data.augment.{name}": share for name, share in data.augment.items()},
    }
    for name, number in at_least_one.items():
        if number < 1:
            raise ConfigError(f"{name}: expected at least 1, got {number}; raise it")
    for name, value in not_negative.items():
        if value < 0:
            raise ConfigError(f"{name}: expected at least 0, got {value}; raise it")
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"{name}: expected a share from 0 to 1, got {value}; change it")
    positive = {
        "optim.lr": optim.lr,
        "run.validate_every": run.validate_every,
        "run.time_limit": run.time_limit,
    }
    for name, given in positive.items():
        if given is not None and not given > 0:
            raise ConfigError(f"{name}: expected more than 0, got {given}; raise it")
    _check_data(data)


def _check_source(source: SourceConfig, where: str) -> None:
    if not 0 <= source.val_fraction <= 1:
        raise ConfigError(
            f"{where}.val_fraction: expected a share from 0 to 1, got {source.val_fraction}; change it"
        )
    if source.share is not None and not 0 < source.share < inf:
        raise ConfigError(f"{where}.share: expected more than 0, got {source.share}; raise it")
    if not 0 <= source.weight < inf:
        raise ConfigError(f"{where}.weight: expected at least 0, got {source.weight}; raise it")


def _check_data(data: DataConfig) -> None:
    _check_source(data, "data")
    for place, each in enumerate(data.sets):
        _check_source(each, f"data.sets[{place}]")
    own = [each.name for each in fields(SourceConfig) if each.name != "root"]
    default = SourceConfig()
    changed = [name for name in own if getattr(data, name) != getattr(default, name)]
    if data.sets and changed:
        raise ConfigError(
            f"data.{changed[0]}: expected nothing beside data.sets, got {getattr(data, changed[0])!r}; say it of the "
            "set that it holds for"
        )
    shares = [each.share for each in data.sets]
    if None in shares and any(shares):
        raise ConfigError(
            f"data.sets: expected a share for every data set or for none, got {shares}; give the others one"
        )
    if data.epoch_crops is not None and (data.epoch_crops < 1 or not any(shares)):
        raise ConfigError(
            f"data.epoch_crops: expected at least 1, beside data.sets with shares, got {data.epoch_crops}; change it"
        )
    for name in data.augment:
        if name not in list_photometric():
            raise ConfigError(str(unknown_name("data.augment", name, list_photometric())))
    if not 0 <= data.empty_scenes < 1:
        raise ConfigError(
            f"data.empty_scenes: expected a share from 0 to below 1, got {data.empty_scenes}; change it"
        )
    if data.scale is not None and not 0 < data.scale[0] <= data.scale[1]:
        raise ConfigError(
            f"data.scale: expected [smallest, largest] above 0, got {list(data.scale)}; change it"
        )
    if isinstance(data.crop, float) and not 0 < data.crop <= 1:
        raise ConfigError(
            f"data.crop: expected a fraction up to 1 or [height, width], got {data.crop}; change it"
        )
