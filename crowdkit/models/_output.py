"""From a network's last linear map to people per cell."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, check_choice

Output = Literal["softplus", "abs", "relu", "identity"]


def _identity(linear: Tensor) -> Tensor:
    return linear


_OUTPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "softplus": F.softplus,
    "abs": torch.abs,
    "relu": F.relu,
    "identity": _identity,
}


def check_output(output: str, expansion: float) -> None:
    """Raise unless ``output`` is a known activation and ``expansion`` is a number above 0."""
    check_choice("output", output, _OUTPUTS)
    if isinstance(expansion, bool) or not isinstance(expansion, (int, float)) or not expansion > 0:
        raise ArgumentError(f"expansion: expected a number > 0, got {expansion!r}")


def to_density(linear: Tensor, *, output: Output, expansion: float, stride: int) -> Tensor:
    r"""Turn the last linear map into people per cell, :math:`\phi(z) \, s^2 / e`.

    Computed in float32 even under autocast: a cell holds 1e-4 people and a map sums to thousands.

    Args:
        linear: :math:`z`, shape :math:`(B, 1, h, w)`.
        output: The activation :math:`\phi`; ``"identity"`` lets a density be negative.
        expansion: Factor :math:`e` on people per pixel in the output.
        stride: Side :math:`s` of a cell in pixels.

    Returns:
        People per cell, float32, same shape.
    """
    return _OUTPUTS[output](linear.float()) * (stride**2 / expansion)
