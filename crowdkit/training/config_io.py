"""Configurations from and to TOML files, tables and ``section.key=value`` overrides."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crowdkit.errors import ConfigError
from crowdkit.training.config import TrainConfig
from crowdkit.training.config_checks import check_ranges
from crowdkit.training.config_types import build


def load_config(path: str | Path | None = None, overrides: Iterable[str] = ()) -> TrainConfig:
    """Read a configuration from a TOML file and change single values of it.

    Args:
        path: A TOML file; without one, the defaults.
        overrides: Texts ``"section.key=value"``. The value is read as TOML; what is not TOML is a string, and
            ``none`` takes an optional value away.

    Returns:
        The configuration.

    Raises:
        ConfigError: If the file is missing or no TOML, a key is unknown or a value has the wrong type.

    Examples:
        >>> config = load_config(overrides=["data.root=data/ShanghaiTech", "data.crop=[384, 512]"])
        >>> config.data.root, config.data.crop
        ('data/ShanghaiTech', (384, 512))
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"config: expected a TOML file, got {path} ({error.strerror})") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"config: expected TOML, got {path}: {error}") from error
    for override in overrides:
        _override(values, override)
    return config_from_dict(values)


def config_from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """Make a configuration from nested tables; what is not said keeps its default.

    Args:
        values: Section names to tables of values.

    Returns:
        The configuration.

    Raises:
        ConfigError: If a key is unknown or a value has the wrong type or is out of range.

    Examples:
        >>> config_from_dict({"run": {"epochs": 50}}).run.epochs
        50
    """
    config: TrainConfig = build(TrainConfig, values)
    check_ranges(config)
    return config


def config_to_dict(config: TrainConfig) -> dict[str, Any]:
    """Turn a configuration into nested tables of plain values.

    Args:
        config: The configuration.

    Returns:
        What :func:`config_from_dict` takes; tuples are lists.
    """
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def config_to_toml(config: TrainConfig) -> str:
    """Write a configuration as TOML, which :func:`load_config` reads back.

    Args:
        config: The configuration.

    Returns:
        The text; optional values that are not set are left out.
    """
    lines = []
    for section, table in config_to_dict(config).items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in table.items() if value is not None]
        lines.append("")
    return "\n".join(lines)


def config_differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """List the values in which two configurations differ.

    Args:
        old: One configuration.
        new: The other.

    Returns:
        One ``"section.key: old -> new"`` a difference.
    """
    before, after = config_to_dict(old), config_to_dict(new)
    return [
        f"{section}.{key}: {before[section][key]!r} -> {after[section][key]!r}"
        for section in before
        for key in before[section]
        if before[section][key] != after[section][key]
    ]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(
            f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items() if each is not None
        )
        return "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # TOML and JSON write text, numbers and truth alike


def _override(values: dict[str, Any], text: str) -> None:
    name, equals, written = text.partition("=")
    keys = name.strip().split(".")
    if not equals or len(keys) < 2:
        raise ConfigError(f"override: expected section.key=value, got {text!r}")
    written = written.strip()
    value: Any
    if written.lower() == "none":
        value = None
    else:
        try:
            value = tomllib.loads(f"value = {written}")["value"]
        except tomllib.TOMLDecodeError:
            value = written
    table = values
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigError(f"override: expected {key!r} in {text!r} to be a table, got {table!r}")
    table[keys[-1]] = value
