"""The errors that crowdkit raises. Every message reads ``name: expected X, got Y; what to do``."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from inspect import signature

__all__ = [
    "ArgumentError",
    "ConfigError",
    "CrowdKitError",
    "DTypeError",
    "DataError",
    "DataWarning",
    "LostPeerError",
    "MissingDependencyError",
    "MixedInstallError",
    "PeerError",
    "ShapeError",
    "UnknownNameError",
    "unknown_name",
]


class CrowdKitError(Exception):
    """Base class of all errors that crowdkit raises on purpose."""


class ShapeError(CrowdKitError, ValueError):
    """A tensor has the wrong number of dimensions or the wrong size."""


class DTypeError(CrowdKitError, TypeError):
    """A tensor or argument has the wrong type."""


class ArgumentError(CrowdKitError, ValueError):
    """An argument has a value outside its range."""


class UnknownNameError(CrowdKitError, ValueError):
    """A name is not one of the known names."""


class DataError(CrowdKitError, ValueError):
    """A file or annotation cannot be read or is inconsistent."""


class DataWarning(UserWarning):
    """A data set can be used, but contradicts itself or leaves something out."""


class ConfigError(CrowdKitError, ValueError):
    """A configuration has an unknown key or a value of the wrong type."""


class PeerError(CrowdKitError, RuntimeError):
    """This process ends because another one could not go on, and that one says why."""


class LostPeerError(CrowdKitError, RuntimeError):
    """Another process has died without a word."""


class MissingDependencyError(CrowdKitError, ImportError):
    """An optional package is missing or does not fit the installed torch."""


class MixedInstallError(CrowdKitError, ImportError):
    """Files of another package that is also called ``crowdkit`` are mixed with ours."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """Build the error for an unknown name, with the nearest known name as a hint.

    Args:
        kind: What is being named, for example ``"model"``.
        name: The name that was given.
        known: The names that exist.

    Returns:
        The error, to be raised by the caller.

    Examples:
        >>> str(unknown_name("model", "cfanat", ["cfanet", "mcnn"]))
        "model: expected one of 'cfanet', 'mcnn', got 'cfanat'; did you mean 'cfanet'?"
    """
    names = sorted(known)
    listed = ", ".join(repr(each) for each in names) or "(none)"
    near = get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "choose one of these"
    return UnknownNameError(f"{kind}: expected one of {listed}, got {name!r}; {hint}")


def printable(text: str) -> str:
    """Write out as escapes what would break a line, steer a terminal, or not go into UTF-8."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def check_choice(kind: str, name: object, known: Iterable[str]) -> None:
    """Raise :class:`UnknownNameError` if ``name`` is not among ``known``."""
    names = list(known)
    if name not in names:
        raise unknown_name(kind, name, names)


def check_keywords(kind: str, given: Iterable[str], call: Callable[..., object]) -> None:
    """Raise :class:`UnknownNameError` if one of the names ``given`` is not a parameter of ``call``."""
    known = signature(call).parameters
    for name in given:
        check_choice(kind, name, known)
