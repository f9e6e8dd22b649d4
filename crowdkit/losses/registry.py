"""Density losses by name: those of ``crowdkit.losses.__all__``."""

from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

from crowdkit.errors import check_choice, check_keywords
from crowdkit.losses._module import LossModule


@cache
def _by_name() -> dict[str, type[LossModule]]:
    room = import_module("crowdkit.losses")
    public = [getattr(room, name) for name in room.__all__]
    losses = [
        each
        for each in public
        if isinstance(each, type) and issubclass(each, LossModule) and each is not LossModule
    ]
    # Losses of other things than a density map call their first argument otherwise.
    return {each.name: each for each in losses if next(iter(signature(each.function).parameters)) == "pred"}


def list_losses(pattern: str = "*") -> list[str]:
    """Names that :func:`create_loss` knows.

    Args:
        pattern: A shell pattern, for example ``"*ssim*"``.

    Returns:
        The names that match, sorted.

    Examples:
        >>> list_losses("bs*")
        ['bsl']
    """
    return sorted(name for name in _by_name() if fnmatch(name, pattern))


def create_loss(name: str, **config: Any) -> LossModule:
    """Make a density loss by name.

    Args:
        name: One of :func:`list_losses`.
        **config: The loss's own keywords; one it does not have is an error.

    Returns:
        ``loss(pred, target)``; one whose ``needs_points`` is true takes ``points=`` too.

    Raises:
        UnknownNameError: If there is no such loss, or the loss has no such keyword.

    Examples:
        >>> create_loss("mse", stride=8)
        DensityMSELoss(pixel='mean', expansion=1.0, stride=8, reduction='mean')
    """
    losses = _by_name()
    check_choice("loss", name, losses)
    check_keywords(f"keyword of {name}", config, losses[name])
    return losses[name](**config)
