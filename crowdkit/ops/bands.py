"""Compute functions of feature maps in bands of rows, to keep intermediate memory small."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Size of a band of the widest map. The C library returns freed blocks above 32 MiB to the system, which has to clear
# them again for the next map: a third of the total time.
_BAND_BYTES = 28 * 2**20
# With fewer rows, too many would be computed twice.
_LEAST_HALOS = 8


def by_rows(
    function: Callable[..., tuple[Tensor, ...]],
    inputs: Sequence[Tensor],
    *,
    halo: int,
    channels: int,
    scale: int = 1,
) -> tuple[Tensor, ...]:
    r"""Compute ``function(*inputs)`` in bands of rows where that saves memory and time, otherwise at once.

    Each band is computed with ``halo`` extra rows on either side, which are cut off. Bands are used on a CPU for
    large maps, outside of autograd and tracing.

    Args:
        function: Maps feature maps to feature maps, :math:`(B, C, h, w)` each; a row of a result may depend on
            the rows around it. It is called on parts of the inputs.
        inputs: The first has the lowest resolution; the heights of the others and of the results are
            multiples of its height.
        halo: How many rows of the first input a result depends on, on either side.
        channels: Channels of the widest intermediate map, which is ``scale`` times the size of the first input.
        scale: See ``channels``.

    Returns:
        The result of ``function``.

    Examples:
        >>> import torch
        >>> from torch.nn import functional as F
        >>> from crowdkit.ops.bands import by_rows
        >>> x, weight = torch.rand(1, 16, 2000, 32), torch.rand(64, 16, 3, 3)
        >>> [y] = by_rows(lambda x: (F.conv2d(x, weight, padding=1),), [x], halo=1, channels=64)
        >>> y.shape
        torch.Size([1, 64, 2000, 32])
    """
    first = inputs[0]
    height = first.shape[-2]
    if first.device.type != "cpu" or torch.is_grad_enabled() or torch.compiler.is_compiling():
        return function(*inputs)
    row = first.shape[0] * channels * scale**2 * first.shape[-1] * first.element_size()
    rows = max(_BAND_BYTES // row - 2 * halo, _LEAST_HALOS * halo)
    if rows + 2 * halo >= height:
        return function(*inputs)
    results: tuple[Tensor, ...] = ()
    rows = -(-height // -(-height // rows))  # the same number of bands, of similar height
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        above, below = max(start - halo, 0), min(stop + halo, height)
        found = function(*(_rows(each, above, below, height) for each in inputs))
        if not results:
            results = tuple(_whole(each, height, below - above) for each in found)
        for whole, part in zip(results, found, strict=True):
            inner = _rows(part, start - above, stop - above, below - above)
            _rows(whole, start, stop, height).copy_(inner)
    return results


def _rows(x: Tensor, start: int, stop: int, height: int) -> Tensor:
    """Rows ``start`` to ``stop`` of ``height``, scaled to a map whose height is a multiple of ``height``."""
    scale = x.shape[-2] // height
    return x[:, :, scale * start : scale * stop]


def _whole(part: Tensor, height: int, rows: int) -> Tensor:
    """Allocate a map of ``height`` rows like ``part``, which has ``rows``."""
    batch, channels, tall, width = part.shape
    last = part.is_contiguous(memory_format=torch.channels_last)
    return torch.empty(
        (batch, channels, tall // rows * height, width),
        dtype=part.dtype,
        memory_format=torch.channels_last if last else torch.contiguous_format,
    )
