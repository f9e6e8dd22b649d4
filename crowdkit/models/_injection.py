"""Where attention enters a network: the four variants of figure 3."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, check_choice
from crowdkit.layers import attention_weight
from crowdkit.ops import upsample

Injection = Literal["input", "features", "output", "stages"]
INJECTIONS = ("input", "features", "output", "stages")
# Figure 3 (a) and (b) take their attention from a separate network.
SEPARATE = ("input", "features")


def check_injection(injection: str, *, attention: bool) -> None:
    """Raise unless ``injection`` is a known word and the ``attention`` it needs exists."""
    check_choice("injection", injection, INJECTIONS)
    if injection != "stages" and not attention:
        raise ArgumentError(
            f"injection: expected 'stages' for a model with neither crr nor dle, got {injection!r}; there is "
            "no attention to inject, so set crr=True or dle=True"
        )


def joint_weight(
    regions: Sequence[Tensor], levels: Sequence[Tensor], index: int, *, injection: Injection, hard: bool
) -> Tensor:
    r"""Compute the attention weight from a stage's logits.

    The proposed network adds to each feature its product with the sum of eq. 1, which is in [0, 2]. The other
    three variants multiply, with the sum divided by the number of branches: a weight in [0, 1] can only attenuate,
    keeps an image in the range that its encoder knows, and means the same with one branch or two.

    Args:
        regions: CAM logits, coarse to fine, or none.
        levels: FAM logits, coarse to fine, or none.
        index: The stage, from 0.
        injection: Where the weight goes.
        hard: Use the most likely level.

    Returns:
        Shape :math:`(B, 1, h, w)`, in [0, 2] with both branches for ``"stages"``, otherwise in [0, 1].
    """
    weight = attention_weight(
        levels[index] if levels else None, regions[index] if regions else None, hard=hard
    )
    branches = bool(regions) + bool(levels)
    return weight if injection == "stages" or branches == 1 else weight / branches


def to_image(plane: Tensor, images: Tensor, stride: int) -> Tensor:
    """Enlarge a map of the padded image at ``stride`` to the size and type of the images.

    Args:
        plane: Shape :math:`(B, 1, h, w)`.
        images: Shape :math:`(B, 3, H, W)`.
        stride: Side of a cell in pixels.

    Returns:
        Shape :math:`(B, 1, H, W)`.
    """
    height, width = images.shape[-2:]
    whole = upsample(plane, stride)
    # A slice's size is a minimum; an export of any size cannot prove that it equals that of the images.
    return F.pad(whole, (0, width - whole.shape[-1], 0, height - whole.shape[-2])).to(images.dtype)
