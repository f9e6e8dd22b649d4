"""From tables of plain values to dataclasses, by their type hints."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from crowdkit.errors import ConfigError


def build(cls: type[Any], values: object, where: str = "") -> Any:
    """Make a dataclass of nested tables; only whole numbers and lists are converted.

    Args:
        cls: The dataclass.
        values: Its values by name; dataclasses in it are tables, tuples of them lists of tables.
        where: What it is called in messages.

    Returns:
        An instance.

    Raises:
        ConfigError: If a key is unknown or a value has the wrong type.
    """
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
            built[key] = build(hint, value, name)
        else:
            built[key] = _build_each(tables, value, name)
    return cls(**built)


def _build_each(cls: type[Any], values: object, where: str) -> tuple[Any, ...]:
    if not isinstance(values, (list, tuple)):
        raise ConfigError(f"{where}: expected a list of tables, [[{where}]], got {values!r}")
    return tuple(build(cls, each, f"{where}[{place}]") for place, each in enumerate(values))


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
