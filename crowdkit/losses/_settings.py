"""How a loss checks its settings: each names its checks once, for its function and its module."""

from collections.abc import Callable, Mapping
from functools import wraps
from math import isfinite
from typing import Any, ParamSpec, TypeVar

from crowdkit.errors import ArgumentError, check_choice
from crowdkit.losses._reduction import check_reduction
from crowdkit.ops import check_stride

Check = Callable[[str, Any], None]
P = ParamSpec("P")
R = TypeVar("R")


def checked(**checks: Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function check its keywords before it runs; ``stride`` and ``reduction`` always.

    Args:
        **checks: What a keyword has to pass.

    Returns:
        A decorator.

    Examples:
        >>> @checked(sigma=positive)
        ... def loss(pred, *, sigma=1.0):
        ...     return sigma * pred
        >>> loss(3.0, sigma=-1.0)
        Traceback (most recent call last):
        crowdkit.errors.ArgumentError: sigma: expected a finite number > 0, got -1.0
    """
    known: dict[str, Check] = {"stride": whole, "reduction": _reduction, **checks}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            _check(known, kwargs)
            return function(*args, **kwargs)

        vars(call)["checks"] = known
        return call

    return decorate


def check_settings(function: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    """Run the checks that ``function`` was decorated with."""
    _check(vars(function)["checks"], settings)


def _check(checks: Mapping[str, Check], settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if name in checks:
            checks[name](name, value)


def positive(name: str, value: float) -> None:
    """Raise :class:`~crowdkit.errors.ArgumentError` unless ``value`` is finite and above 0."""
    if not (isfinite(value) and value > 0):
        raise ArgumentError(f"{name}: expected a finite number > 0, got {value!r}")


def not_negative(name: str, value: float) -> None:
    """Raise :class:`~crowdkit.errors.ArgumentError` unless ``value`` is finite and at least 0."""
    if not (isfinite(value) and value >= 0):
        raise ArgumentError(f"{name}: expected a finite number >= 0, got {value!r}")


def whole(name: str, value: int) -> None:
    """Raise :class:`~crowdkit.errors.ArgumentError` unless ``value`` is a whole number >= 1."""
    check_stride(value, name=name)


def wholes(name: str, values: tuple[int, ...]) -> None:
    """Raise :class:`~crowdkit.errors.ArgumentError` unless ``values`` are whole numbers >= 1, at least one."""
    if not values or any(isinstance(each, bool) or not isinstance(each, int) or each < 1 for each in values):
        raise ArgumentError(f"{name}: expected whole numbers >= 1, got {values!r}")


def one_of(*words: str) -> Check:
    """Make the check that raises :class:`~crowdkit.errors.UnknownNameError` for any other word."""

    def check(name: str, value: str) -> None:
        check_choice(name, value, words)

    return check


def _reduction(_: str, value: str) -> None:
    check_reduction(value)
