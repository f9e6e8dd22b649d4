"""Row 3: CFANet's density map of one image."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.case import Case, Measured
from benchmarks.speed.ceiling import convolution_flops
from benchmarks.speed.plain_cfanet import plain_cfanet
from crowdkit.models import CFANet, create_model

SIZE = (768, 1024)
_MEMORY = 1.5e9
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_CELLS, _COUNT, _PLAINS = "cells", "count", "the baseline's cells"


def cases(device: torch.device, *, size: tuple[int, int] = SIZE) -> Iterable[Case]:
    """The paper's network by default and with its deepest skip, in float32 and bfloat16."""
    for deep_skip in (False, True):
        torch.manual_seed(0)
        # Kaiming weights: with the paper's, the map of an untrained network hardly depends on the image.
        model = create_model("cfanet", init="kaiming", deep_skip=deep_skip).eval()
        model = model.to(device, memory_format=torch.channels_last)
        images = torch.rand(1, 3, *size, device=device).contiguous(memory_format=torch.channels_last)
        for precision in _TYPES:
            yield _case(model, images, precision)


def density(network: Callable[[Tensor], object], images: Tensor, *, precision: str) -> Tensor:
    """Run a network as in counting."""
    low = torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16")
    with torch.inference_mode(), low:
        found: Tensor = network(images).density
    return found


def operations(call: Callable[[], object]) -> int:
    """Count the operations of the convolutions in a call, a multiplication and an addition as two."""
    counter = FlopCounterMode(display=False)
    with counter:
        call()
    return counter.get_total_flops()


def _case(model: CFANet, images: Tensor, precision: str) -> Case:
    height, width = images.shape[-2:]
    plain = partial(density, partial(plain_cfanet, model, sides=False), images, precision=precision)
    fast = partial(density, model, images, precision=precision)
    exact = partial(density, partial(plain_cfanet, model, sides=False), images, precision="float32")
    return Case(
        row=3,
        name=f"CFANet{', deep skip' if model.dme.deep_skip else ''}, {height} x {width}, {precision}",
        fast=fast,
        plain=plain,
        baseline="upsample, concatenate, convolve",
        agree=_apart if precision == "float32" else lambda plain, fast: _apart_from(exact(), plain, fast),
        goal=">= 2 x, 1e-4, 1e-5, < 1.5 GB" if precision == "float32" else ">= 1.6 x, as exact, < 1.5 GB",
        reached=_reached_float32 if precision == "float32" else _reached_bfloat16,
        ceiling=lambda: operations(fast) / convolution_flops(images.device, _TYPES[precision]),
        turns=5,
    )


def _apart(plain: Tensor, fast: Tensor) -> dict[str, float]:
    """The largest difference of a cell relative to the largest cell, and of the count relative to the count."""
    return {
        _CELLS: float((fast - plain).abs().max() / plain.max()),
        _COUNT: float((fast.double().sum() / plain.double().sum() - 1).abs()),
    }


def _apart_from(exact: Tensor, plain: Tensor, fast: Tensor) -> dict[str, float]:
    """Root mean square distance of both from float32, relative to the largest cell; our count's difference."""
    scale = exact.max()
    return {
        _CELLS: float((fast - exact).square().mean().sqrt() / scale),
        _PLAINS: float((plain - exact).square().mean().sqrt() / scale),
        _COUNT: _apart(exact, fast)[_COUNT],
    }


def _reached_float32(found: Measured) -> bool:
    equal = found.agreement[_CELLS] <= 1e-4 and found.agreement[_COUNT] <= 1e-5
    return equal and _light(found) and found.ratio is not None and found.ratio >= 2


def _reached_bfloat16(found: Measured) -> bool:
    equal = found.agreement[_CELLS] <= found.agreement[_PLAINS]
    return equal and _light(found) and found.ratio is not None and found.ratio >= 1.6


def _light(found: Measured) -> bool:
    return found.peak is None or found.peak < _MEMORY
