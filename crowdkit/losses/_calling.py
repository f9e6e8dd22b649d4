"""How a loss that holds others calls them: with the maps, and what each of them needs besides."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from crowdkit.errors import ArgumentError

_ADVICE = {
    "points": "expected the heads of each image for {loss}, got None; pass points=[...]",
    "progress": "expected the share of the training that is done for {loss}, got None; pass progress=step / steps",
}


def needs(loss: Callable[..., Tensor], name: str) -> bool:
    """Say whether a loss must be given ``points`` or ``progress``."""
    return bool(getattr(loss, f"needs_{name}", False))


def call(
    loss: Callable[..., Tensor],
    pred: Tensor,
    target: Tensor,
    *,
    points: Sequence[Tensor] | None,
    progress: float | None,
) -> Tensor:
    """Call a density loss with what it needs.

    Args:
        loss: The loss.
        pred: Estimated density, shape :math:`(B, 1, h, w)`.
        target: True density, same shape.
        points: The heads (x, y) of each image, where there are any.
        progress: Share of the training done, where it is known.

    Returns:
        The loss's value.

    Raises:
        ArgumentError: If the loss needs what is ``None``.
    """
    more: dict[str, Any] = {}
    for name, value in (("points", points), ("progress", progress)):
        if not needs(loss, name):
            continue
        if value is None:
            raise ArgumentError(f"{name}: {_ADVICE[name].format(loss=type(loss).__name__)}")
        more[name] = value
    return loss(pred, target, **more)
