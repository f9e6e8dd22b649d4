"""What the losses made of SSIM share: local statistics of two maps, and the halving between scales."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.losses._settings import Check, positive
from crowdkit.ops import Padding, window_filter


class LocalStatistics(NamedTuple):
    """Statistics of maps x and y under a window, each :math:`(B, h, w)`."""

    mean_x: Tensor
    mean_y: Tensor
    luminance: Tensor  # (mean x - mean y)^2
    energy: Tensor  # (mean x)^2 + (mean y)^2
    var_d: Tensor  # Var(x - y)
    var_s: Tensor  # Var x + Var y


def local_statistics(
    x: Tensor, y: Tensor, window: tuple[float, ...], *, padding: Padding, dilation: int = 1
) -> LocalStatistics:
    """Take the statistics that SSIM is made of, in a form without the usual one's cancellations.

    SSIM = (1 - a)(1 - b) with a = luminance / (energy + c1) and b = var_d / (var_s + c2): four filtered maps
    instead of five, and bounded, since 0 <= var_d <= 2 var_s is enforced.
    """
    maps = torch.cat((x, y, (x - y).square(), x.square() + y.square()), dim=1)
    filtered = window_filter(maps, window, padding=padding, dilation=dilation)
    mean_x, mean_y, mean_d2, mean_s2 = filtered.unbind(dim=1)
    luminance = (mean_x - mean_y).square()
    energy = mean_x.square() + mean_y.square()
    # Rounding breaks the bounds where large values hardly vary, and the usual form then divides by almost
    # nothing. Where a clamp holds the true gradient is 0.
    var_d = (mean_d2 - luminance).clamp(min=0)
    var_s = torch.maximum(mean_s2 - energy, var_d / 2)
    return LocalStatistics(mean_x, mean_y, luminance, energy, var_d, var_s)


def halve(density: Tensor) -> Tensor:
    """Average 2 x 2 cells; an odd last row or column is left out, a side of one cell is kept."""
    return F.avg_pool2d(density, [2 if side > 1 else 1 for side in density.shape[-2:]])


def odd(name: str, value: int) -> None:
    """Raise :class:`~crowdkit.errors.ArgumentError` unless ``value`` is an odd whole number >= 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or value % 2 == 0:
        raise ArgumentError(f"{name}: expected an odd whole number >= 1, got {value!r}")


WINDOW_CHECKS: dict[str, Check] = {
    "window_size": odd,
    "window_sigma": positive,
    "c1": positive,
    "c2": positive,
}
