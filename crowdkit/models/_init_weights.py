"""Initialization of the convolutions outside the encoder."""

from collections.abc import Iterable
from typing import Literal

from torch import nn

Init = Literal["normal", "kaiming"]
INITS = ("normal", "kaiming")


def init_weights(parts: Iterable[nn.Module], *, heads: Iterable[nn.Module], init: Init) -> None:
    """Draw the weights of all convolutions; biases are 0.

    Args:
        parts: Modules whose convolutions are drawn, in order.
        heads: Convolutions among them that output logits or densities: always N(0, 0.01).
        init: ``"normal"``: N(0, 0.01), the paper's; ``"kaiming"`` for narrow stages, in which N(0, 0.01) would lose
            the signal.
    """
    outputs = set(heads)
    for part in parts:
        for module in part.modules():
            if not isinstance(module, nn.Conv2d):
                continue
            if init == "kaiming" and module not in outputs:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            else:
                nn.init.normal_(module.weight, std=0.01)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
