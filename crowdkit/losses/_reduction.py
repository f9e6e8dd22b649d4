"""How per-image values become a loss."""

from typing import Literal

from torch import Tensor

from crowdkit.errors import check_choice

Reduction = Literal["mean", "sum", "none"]


def check_reduction(reduction: str) -> None:
    """Raise :class:`~crowdkit.errors.UnknownNameError` unless ``reduction`` is a known word."""
    check_choice("reduction", reduction, ("mean", "sum", "none"))


def reduce(values: Tensor, reduction: Reduction) -> Tensor:
    """Reduce per-image values over the batch.

    Args:
        values: Shape :math:`(B,)`.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or ``values`` for ``"none"``.
    """
    if reduction == "none":
        return values
    return values.mean() if reduction == "mean" else values.sum()
