"""What a loss's case holds, and the inputs that the contract feeds it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crowdkit.losses._module import LossModule

CROWD = [[0.0, 0.0, 2.0, 1.0]]


def maps(
    batch: int, size: tuple[int, int], dtype: torch.dtype = torch.float32, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """An estimate with some negative cells, and a truth whose left third is background."""
    generator = torch.Generator().manual_seed(seed)
    pred = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64) * 0.06 - 0.005
    target = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64) * 0.05 + 0.001
    target[..., : size[1] // 3] = 0
    return pred.to(dtype), target.to(dtype)


def crowds(
    numbers: tuple[int, ...],
    size: tuple[int, int],
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    stride: int = 1,
) -> tuple[Tensor, list[Tensor]]:
    """An estimate with some negative cells, and heads anywhere on its canvas, the first two at one place."""
    generator = torch.Generator().manual_seed(seed)
    batch = len(numbers)
    pred = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64) * 0.06 - 0.005
    canvas = torch.tensor([size[1] * stride, size[0] * stride], dtype=torch.float64)
    points = [torch.rand(number, 2, generator=generator, dtype=torch.float64) * canvas for number in numbers]
    for heads in points:
        heads[1:2] = heads[:1]
    return pred.to(dtype), [heads.to(dtype) for heads in points]


@dataclass(frozen=True)
class Case:
    """A loss of maps."""

    module: Callable[..., nn.Module]
    naive: Callable[..., float] | None = None  # naive(pred (h, w), target (h, w), **keywords) of one image
    name: str = ""  # in losses.__all__, if it is not the module's own
    inputs: Callable[..., tuple[Tensor, Tensor]] = maps
    # tuple of (pred, target, keywords, value worked out by hand)
    literal: tuple[Any, Any, dict[str, Any], float] | None = None
    variants: tuple[dict[str, Any], ...] = ()
    call_time: tuple[str, ...] = ()  # keywords of the function that a module takes when called
    density: bool = True  # a loss of density maps: has a stride
    size: tuple[int, int] = (16, 19)

    @property
    def function(self) -> Callable[..., Tensor] | None:
        return getattr(self.module, "function", None)

    def __str__(self) -> str:
        return self.name or self.module.__name__


@dataclass(frozen=True)
class PointCase:
    """A point-supervised loss."""

    module: type[LossModule]
    naive: Callable[..., float]  # naive(pred (h, w), points (N, 2), **keywords) of one image
    # map, heads, keywords and the value worked out by hand
    literal: tuple[list[list[float]], list[list[float]], dict[str, Any], float]
    variants: tuple[dict[str, Any], ...] = ()
    call_time: tuple[str, ...] = ()  # keywords of the function that a module takes when called
    size: tuple[int, int] = (6, 7)
    tolerance: float = 1e-9  # relative, in float64 against the naive formula
    # False where the published gradient is not the derivative of the published value; its own test then
    differentiable: bool = True

    @property
    def function(self) -> Callable[..., Tensor]:
        return self.module.function

    def __str__(self) -> str:
        return self.module.__name__
