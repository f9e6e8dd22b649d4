"""How far a network's cells see, found by showing it pixels that are not numbers."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from crowdkit.counting.density import eval_copy, predict_density_batch
from crowdkit.counting.grid import round_up, tiles_of_side
from crowdkit.counting.tiling import predict_density_tiled
from crowdkit.data import LazyImage
from crowdkit.models import CrowdModel

_CPU = torch.device("cpu")
# Half of the longer is the farthest that is looked; every deepest stride of use divides it.
_LENGTHS = (512, 2048)
_WIDTH = 32
_EVEN = 256
# Rounding gives 1e-6; a picture that was resized, or windows that lie elsewhere, give far more.
_TOLERANCE = 1e-4


class Reach(NamedTuple):
    """What must be known of a network to show it an image in tiles.

    Attributes:
        multiple: Its deepest stride: tiles that begin at multiples of it have the cells of the whole image.
        halo: Pixels around a part of the image that its cells depend on, rounded up to ``multiple``; ``None`` if a
            cell depends on the whole image, or on more than 1,024 pixels around it.
    """

    multiple: int
    halo: int | None


def find_reach(model: CrowdModel) -> Reach:
    """Find how far a network's cells see.

    A strip of pixels that are not a number (NaN) beside pixels that are shows it: NaN passes through every
    convolution, pooling, activation and interpolation, whatever the weights, so that each cell that is still a
    number depends on none of those pixels. One deepest stride is added, for what turns NaN into a number (the
    position of a maximum). Then a strip with odd sides is counted whole and in tiles: if the maps differ by more
    than rounding, tiles are not exact, whatever the reason.

    Runs on the CPU, on strips of 32 pixels: a convolution there is a plain sum, where one on a GPU may go through a
    Fourier transform that spreads NaN.

    Args:
        model: The network; it is not changed.

    Returns:
        Its deepest stride and its halo.

    Raises:
        ImageTooLargeError: If memory runs out.

    Examples:
        >>> from crowdkit.models import create_model
        >>> find_reach(create_model("mcnn"))
        Reach(multiple=4, halo=40)
    """
    twin = eval_copy(model, _CPU)  # it also takes the hooks
    multiple = _deepest_stride(twin)
    for length in _LENGTHS:
        down = _spread(twin, length, multiple, across=False)
        sideways = None if down is None else _spread(twin, length, multiple, across=True)
        if down is not None and sideways is not None:
            halo = round_up(max(down, sideways), multiple) + multiple
            return Reach(multiple, halo if _tiles_are_exact(twin, multiple, halo) else None)
    return Reach(multiple, None)


def _spread(model: CrowdModel, length: int, multiple: int, *, across: bool) -> int | None:
    """Give the pixels that NaN spreads over, up and down or to both sides; ``None`` if the strip is too short."""
    middle, width = length // 2, round_up(_WIDTH, multiple)
    strips = torch.rand(2, 3, length, width, generator=torch.Generator().manual_seed(0))
    strips[0, :, middle:] = torch.nan
    strips[1, :, :middle] = torch.nan
    found = predict_density_batch(model, strips.mT if across else strips, device=_CPU)
    lost = (found.mT if across else found).isnan().any(dim=-1)[:, 0]
    cells = middle // model.stride
    if not (lost[0, cells:].all() and lost[1, :cells].all()):
        return None  # something swallows NaN, which then proves nothing
    above, below = int(lost[0, :cells].sum()), int(lost[1, cells:].sum())
    return None if max(above, below) >= cells else max(above, below) * model.stride


def _tiles_are_exact(model: CrowdModel, multiple: int, halo: int) -> bool:
    core = max(multiple, halo)
    # Four cores and an odd rest: no deepest stride divides either side.
    long, short = 4 * core + multiple // 2 + 1, round_up(_WIDTH, multiple) + multiple // 2 + 1
    image = torch.rand(3, long, short, generator=torch.Generator().manual_seed(1))
    for strip in (image, image.mT):
        whole = predict_density_batch(model, strip[None], device=_CPU)
        picture = LazyImage(strip)
        tiles = tiles_of_side(picture.size, side=core, multiple=multiple, halo=halo)
        tiled = predict_density_tiled(model, picture, tiles, device=_CPU)
        if not float((whole - tiled).abs().max()) <= _TOLERANCE * float(whole.abs().max()):
            return False
    return True


def _deepest_stride(model: CrowdModel) -> int:
    """Find what the strides inside and the padding divide, from the sizes that the layers give for three sizes."""
    odd, short, long = (_heights(model, height) for height in (_EVEN + 1, _EVEN, 2 * _EVEN))
    strides = [model.stride]
    for name in odd.keys() & short.keys() & long.keys():
        grown = long[name] - short[name]
        if grown > 0:  # what pools the whole image does not grow with it
            stride = max(1, _EVEN // grown)
            padding = stride * odd[name] - _EVEN
            strides += [stride, *([padding] if padding > 0 else [])]
    return math.lcm(*strides)


def _heights(model: CrowdModel, height: int) -> dict[str, int]:
    found: dict[str, int] = {}
    with _watched(model, found):
        predict_density_batch(model, torch.zeros(1, 3, height, _WIDTH), device=_CPU)
    return found


@contextmanager
def _watched(model: nn.Module, heights: dict[str, int]) -> Iterator[None]:
    def watch(name: str) -> Any:
        def note(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                heights[name] = min(output.shape[-2], heights.get(name, output.shape[-2]))

        return note

    handles = [module.register_forward_hook(watch(name)) for name, module in model.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
