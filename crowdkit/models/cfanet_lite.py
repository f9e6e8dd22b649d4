"""A narrow CFANet on a light encoder."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from crowdkit.models._injection import Injection
from crowdkit.models._output import Output
from crowdkit.models.cfanet import CFANet


def cfanet_lite(
    *,
    encoder: str | nn.Module = "tf_efficientnet_lite0",
    encoder_weights: str | Path | None = None,
    encoder_strides: Sequence[int] | None = (32, 16, 8, 4),
    levels: int = 6,
    crr: bool = True,
    dle: bool = True,
    supervision: Sequence[int] | None = None,
    injection: Injection = "stages",
    hard_levels: bool = False,
    output: Output = "softplus",
    expansion: float = 2000.0,
    crr_widths: Sequence[int] = (64, 48, 32, 24),
    dle_widths: Sequence[int] = (64, 48, 32, 24),
    dme_widths: Sequence[int] = (128, 88, 56, 48),
    level_edges: Sequence[float] | None = None,
    blocks: Sequence[int] | None = None,
) -> CFANet:
    """Create a narrow :class:`CFANet` of stride 4 on a light encoder, for small machines.

    The parts are the paper's; the encoder, the widths, the stride and the Kaiming initialization differ.

    Args:
        encoder: A timm model name with features at ``encoder_strides``.
        encoder_weights: ``None``, ``"imagenet"`` or a path.
        encoder_strides: Strides to use from the encoder, coarse to fine.
        levels: See :class:`CFANet` for this and the following arguments.
        crr: Whether to include the Crowd Region Recognizer.
        dle: Whether to include the Density Level Estimator.
        supervision: Stages that output a supervised density map.
        injection: Where the attention enters.
        hard_levels: Weight features by the most likely level.
        output: Output activation.
        expansion: Factor on people per pixel in the network's output.
        crr_widths: Channels of the CRR's stages.
        dle_widths: Channels of the DLE's stages.
        dme_widths: Channels of the DME's stages.
        level_edges: The edges of the DLE's classes; only recorded.
        blocks: Also count blocks of 16 pixels, with these bins.

    Returns:
        The model.

    Examples:
        >>> import torch
        >>> cfanet_lite().eval()(torch.rand(1, 3, 65, 97)).density.shape
        torch.Size([1, 1, 17, 25])
    """
    return CFANet(
        encoder=encoder,
        encoder_weights=encoder_weights,
        encoder_strides=encoder_strides,
        levels=levels,
        crr=crr,
        dle=dle,
        supervision=supervision,
        injection=injection,
        hard_levels=hard_levels,
        output=output,
        expansion=expansion,
        crr_widths=crr_widths,
        dle_widths=dle_widths,
        dme_widths=dme_widths,
        init="kaiming",
        level_edges=level_edges,
        blocks=blocks,
    )
