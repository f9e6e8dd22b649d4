"""Configurations from and to TOML files, tables and ``section.key=value`` overrides."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from difflib import get_close_matches
from math import inf
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from crowdkit.data import list_photometric
from crowdkit.errors import ConfigError, unknown_name
from crowdkit.training.config import DataConfig, SourceConfig, TrainConfig


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
    config: TrainConfig = _build(TrainConfig, values, "")
    _check_ranges(config)
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


def _build(cls: type[Any], values: object, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where or 'config'}: expected a table, got {values!r}")
    hints = get_type_hints(cls)
    known = [each.name for each in fields(cls)]
    built = {}
    for key, value in values.items():
        name = f"{where}.{key}" if where else str(key)
        if key not in known:
            raise ConfigError(_unknown(name, str(key), known, where))
        hint = hints[key]
        tables = get_args(hint)[0] if get_origin(hint) is tuple else hint
        if not (isinstance(tables, type) and is_dataclass(tables)):
            built[key] = _convert(value, hint, name)
        elif tables is hint:
            built[key] = _build(hint, value, name)
        else:
            built[key] = _build_each(tables, value, name)
    return cls(**built)


def _build_each(cls: type[Any], values: object, where: str) -> tuple[Any, ...]:
    if not isinstance(values, (list, tuple)):
        raise ConfigError(f"{where}: expected a list of tables, [[{where}]], got {values!r}")
    return tuple(_build(cls, each, f"{where}[{place}]") for place, each in enumerate(values))


def _unknown(name: str, key: str, known: list[str], where: str) -> str:
    prefix = f"{where}." if where else ""
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {prefix + near[0]!r}?" if near else "see `crowdkit train --help`"
    return f"config: expected one of {', '.join(prefix + each for each in known)}, got {name!r}; {hint}"


def _convert(value: object, hint: Any, name: str) -> Any:
    """Return ``value`` as the type ``hint``, or raise; only whole numbers and lists are converted."""
    found, converted = _fit(value, hint)
    if found:
        return converted
    raise ConfigError(f"{name}: expected {_spell(hint)}, got {value!r}; change it")


def _fit(value: object, hint: Any) -> tuple[bool, Any]:
    origin = get_origin(hint)
    if origin is UnionType:
        tries = (_fit(value, kind) for kind in get_args(hint))
        return next((each for each in tries if each[0]), (False, None))
    if hint is NoneType:
        return value is None, None
    if origin is Literal:
        return value in get_args(hint), value
    if origin is tuple:
        return _fit_each(value, get_args(hint))
    if origin is dict:
        kind = get_args(hint)[1]
        if not isinstance(value, dict) or kind is Any:
            return isinstance(value, dict), value
        entries = {key: _fit(each, kind) for key, each in value.items()}
        return all(found for found, _ in entries.values()), {key: each for key, (_, each) in entries.items()}
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool, value
    if hint is float and isinstance(value, int):
        return True, float(value)
    return isinstance(value, hint), value


def _fit_each(value: object, kinds: tuple[Any, ...]) -> tuple[bool, Any]:
    if not isinstance(value, (list, tuple)):
        return False, None
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        return False, None
    fits = [_fit(each, kind) for each, kind in zip(value, kinds, strict=True)]
    return all(found for found, _ in fits), tuple(converted for _, converted in fits)


def _spell(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is UnionType:
        return " or ".join(_spell(each) for each in get_args(hint))
    if origin is Literal:
        return " or ".join(repr(each) for each in get_args(hint))
    if origin is tuple and get_args(hint)[-1] is Ellipsis:
        return f"a list of {_spell(get_args(hint)[0])} each"
    if origin is tuple:
        return f"[{', '.join(_spell(each) for each in get_args(hint))}]"
    if origin is dict:
        kind = get_args(hint)[1]
        return "a table" if kind is Any else f"a table of {_spell(kind)} each"
    names = {NoneType: "none", str: "text", float: "a number", int: "a whole number", bool: "true or false"}
    return names.get(hint, str(hint))


def _check_ranges(config: TrainConfig) -> None:
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
