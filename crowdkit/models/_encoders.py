"""Interchangeable encoders: created from a name, and checked to be a pyramid."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from crowdkit.errors import ArgumentError, DTypeError
from crowdkit.layers import EfficientNetLiteEncoder, TimmEncoder, VGG16Encoder
from crowdkit.ops import cells_across


def make_encoder(
    encoder: str | nn.Module, weights: str | Path | None, strides: Sequence[int] | None
) -> nn.Module:
    """Create an encoder from its name; a module is returned unchanged.

    Args:
        encoder: ``"vgg16"``, a timm model name, or a module.
        weights: ``None``, ``"imagenet"`` or a path; only with a name.
        strides: Strides to use, coarse to fine, or ``None`` for all; only with a name.

    Returns:
        The encoder.

    Raises:
        ArgumentError: If ``weights`` or ``strides`` is given with a module, or VGG-16 lacks the strides.
        DTypeError: If ``encoder`` is neither a name nor a module.
    """
    if isinstance(encoder, nn.Module):
        if weights is not None or strides is not None:
            raise ArgumentError(
                "encoder: expected no encoder_weights or encoder_strides with a module of your own"
            )
        return encoder
    if not isinstance(encoder, str):
        raise DTypeError(f"encoder: expected a name or a module, got {type(encoder).__name__}")
    if encoder == "vgg16":
        if strides is not None and tuple(strides) != VGG16Encoder.strides:
            raise ArgumentError(
                f"encoder_strides: expected {VGG16Encoder.strides} for vgg16, got {tuple(strides)}"
            )
        return VGG16Encoder(weights)
    if encoder in ("tf_efficientnet_lite0", "tf_efficientnet_lite2"):
        return EfficientNetLiteEncoder(
            weights, size=encoder.removeprefix("tf_efficientnet_"), strides=strides
        )
    return TimmEncoder(encoder, weights=weights, strides=strides)


def pyramid(encoder: nn.Module, stages: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return an encoder's channels and strides, coarse to fine.

    Args:
        encoder: A module with ``channels`` and ``strides``.
        stages: Number of features that the decoder takes.

    Returns:
        Channels and strides.

    Raises:
        ArgumentError: If they are missing, or are not ``stages`` strides that halve.
    """
    channels: Any = getattr(encoder, "channels", None)
    strides: Any = getattr(encoder, "strides", None)
    if channels is None or strides is None or len(channels) != len(strides):
        raise ArgumentError(
            "encoder: expected a module with channels and strides of one length, coarse to fine"
        )
    halving = all(coarse == 2 * fine for coarse, fine in pairwise(strides))
    if len(strides) != stages or not halving:
        raise ArgumentError(
            f"encoder: expected {stages} features whose strides halve, got strides {tuple(strides)}; choose "
            "encoder_strides and widths of one length"
        )
    return tuple(channels), tuple(strides)


def crop(x: Tensor, size: Sequence[int], stride: int) -> Tensor:
    r"""Crop a map of a padded image to the cells that the image covers.

    Args:
        x: Shape :math:`(..., h, w)` at ``stride``.
        size: Height and width of the image.
        stride: Side of a cell in pixels.

    Returns:
        The upper left part, :math:`\lceil H/s \rceil \times \lceil W/s \rceil`.
    """
    return x[..., : cells_across(size[0], stride), : cells_across(size[1], stride)]
