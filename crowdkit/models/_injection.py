"""Where attention enters a network: the four ways of figure 3."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, check_choice
from crowdkit.layers import attention_weight
from crowdkit.ops import upsample

Injection = Literal["input", "features", "output", "stages"]
INJECTIONS = ("input", "features", "output", "stages")
# Figure 3 (a) and (b) take their attention from a network of its own.
SEPARATE = ("input", "features")


def check_injection(injection: str, *, attention: bool) -> None:
    """Raise unless ``injection`` is a known word, and there is ``attention`` to inject where it must be."""
    check_choice("injection", injection, INJECTIONS)
    if injection != "stages" and not attention:
        raise ArgumentError(
            f"injection: expected 'stages' for a model with neither crr nor dle, got {injection!r}; there is "
            "no attention to inject, so set crr=True or dle=True"
        )


def joint_weight(
    regions: Sequence[Tensor], levels: Sequence[Tensor], index: int, *, injection: Injection, hard: bool
) -> Tensor:
    r"""Give the weight that a stage's logits stand for.

    The proposed network adds to a feature its multiple by eq. 1's sum, in [0, 2]. The other three multiply,
    and their sum is divided by the number of branches: a product in [0, 1] can only take away, keeps an
    image in the range its encoder knows, and means the same with one branch or two.

    Args:
        regions: CAM logits, coarse to fine, or none.
        levels: FAM logits, coarse to fine, or none.
        index: The stage, from 0.
        injection: Where the weight goes.
        hard: Take the likeliest level.

    Returns:
        Shape :math:`(B, 1, h, w)`, in [0, 2] with both branches for ``"stages"``, else in [0, 1].
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
        stride: Pixels a cell.

    Returns:
        Shape :math:`(B, 1, H, W)`.
    """
    height, width = images.shape[-2:]
    whole = upsample(plane, stride)
    # A slice's size is a minimum, which an export of any size cannot prove to be that of the images.
    return F.pad(whole, (0, width - whole.shape[-1], 0, height - whole.shape[-2])).to(images.dtype)
