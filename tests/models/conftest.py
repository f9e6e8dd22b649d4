"""Random weights in the layouts of published checkpoints."""

from collections.abc import Callable
from math import prod

import pytest
import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def draw(shapes: Shapes) -> dict[str, Tensor]:
    """Draw a tensor a key, at a scale that neither loses nor blows up a network's signal."""
    random = torch.Generator().manual_seed(0)
    state = {}
    for key, shape in shapes.items():
        if len(shape) > 1:
            state[key] = torch.randn(shape, generator=random) * (2 / prod(shape[1:])) ** 0.5
        elif key.endswith(("running_var", "weight")):
            state[key] = torch.rand(shape, generator=random) + 0.5
        else:
            state[key] = torch.randn(shape, generator=random) * 0.1
    return state


@pytest.fixture
def draw_weights() -> Callable[[Shapes], dict[str, Tensor]]:
    return draw
