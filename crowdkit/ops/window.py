"""Local averages under a separable window, as SSIM uses them."""

from collections.abc import Sequence
from math import exp
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, ShapeError, check_choice
from crowdkit.ops.checks import check_stride
from crowdkit.ops.separable import correlate

Padding = Literal["valid", "same"]


def gaussian_window(size: int, sigma: float) -> tuple[float, ...]:
    """Sample a Gaussian at ``size`` cells around its center and normalize it to sum to 1.

    The weights are Python numbers, so that nothing has to be copied to a device.

    Args:
        size: Number of cells.
        sigma: Standard deviation, in cells.

    Returns:
        ``size`` weights that sum to 1.

    Raises:
        ArgumentError: If ``size`` is not a positive whole number or ``sigma`` is not positive.

    Examples:
        >>> [round(weight, 3) for weight in gaussian_window(5, 1.0)]
        [0.054, 0.244, 0.403, 0.244, 0.054]
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ArgumentError(f"size: expected a whole number >= 1, got {size!r}")
    if not sigma > 0:
        raise ArgumentError(f"sigma: expected a number > 0, got {sigma!r}")
    middle = (size - 1) / 2
    nearest = middle - size // 2  # 0 or -0.5: subtracting its exponent keeps a tiny sigma from underflowing
    weights = [exp((nearest**2 - (i - middle) ** 2) / (2 * sigma**2)) for i in range(size)]
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def window_filter(
    maps: Tensor, window: Sequence[float], *, padding: Padding = "valid", dilation: int = 1
) -> Tensor:
    r"""Average over a square window: the outer product of ``window`` with itself.

    Args:
        maps: Shape :math:`(\dots, H, W)`, floating point.
        window: The weights along one side.
        padding: ``"valid"`` keeps the positions where the window fits; ``"same"`` pads the maps with zeros and
            keeps their size (odd windows only).
        dilation: Distance between the window's weights in the maps, in cells.

    Returns:
        Shape :math:`(\dots, H - k + 1, W - k + 1)` for ``"valid"`` and a window that spans :math:`k` cells.

    Raises:
        ShapeError: If the window does not fit into the maps.
        ArgumentError: If ``padding="same"`` is used with an even window, or ``dilation`` is not a positive
            whole number.
        UnknownNameError: If ``padding`` is neither of the two.

    Examples:
        >>> import torch
        >>> window_filter(torch.eye(3), (0.25, 0.5, 0.25))
        tensor([[0.3750]])
    """
    check_choice("padding", padding, ("valid", "same"))
    check_stride(dilation, name="dilation")
    taps = tuple(float(weight) for weight in window)
    span = (len(taps) - 1) * dilation + 1
    if padding == "same":
        if len(taps) % 2 == 0:
            raise ArgumentError(f"window: expected an odd size for padding='same', got {len(taps)}")
        margin = span // 2
        maps = F.pad(maps, (margin, margin, margin, margin))
    if min(maps.shape[-2:]) < span:
        raise ShapeError(
            f"maps: expected sides of at least the window's {span} cells, got {tuple(maps.shape[-2:])}; "
            "use a smaller window or padding='same'"
        )
    filtered: Tensor = _WindowFilter.apply(maps, taps, dilation)
    return filtered


class _WindowFilter(torch.autograd.Function):
    # The adjoint is the same filter, flipped, on the padded gradient; autograd's own would write a full-size map
    # of zeros for every tap.
    @staticmethod
    def forward(maps: Tensor, taps: tuple[float, ...], dilation: int) -> Tensor:
        return correlate(maps, taps, dilation)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[float, ...], int], output: Tensor) -> None:  # noqa: ARG004
        _, ctx.taps, ctx.dilation = inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        margin = (len(ctx.taps) - 1) * ctx.dilation
        padded = F.pad(grad, (margin, margin, margin, margin))
        return _WindowFilter.apply(padded, ctx.taps[::-1], ctx.dilation), None, None

    @staticmethod
    def vmap(
        info: Any,  # noqa: ARG004
        in_dims: tuple[Any, ...],
        maps: Tensor,
        taps: tuple[float, ...],
        dilation: int,
    ) -> tuple[Tensor, int]:
        return _WindowFilter.apply(maps.movedim(in_dims[0], 0), taps, dilation), 0
