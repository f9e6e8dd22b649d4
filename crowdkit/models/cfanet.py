"""CFANet, the network of the paper, and a narrow one of the same parts."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from crowdkit.errors import ArgumentError, DTypeError, check_choice
from crowdkit.layers import CRR, DLE, DME, TimmEncoder, VGG16Encoder, attention_weight
from crowdkit.models._output import Output, check_output, people
from crowdkit.models.base import CrowdModel
from crowdkit.ops.checks import check_levels
from crowdkit.prediction import Prediction

Init = Literal["normal", "kaiming"]


class CFANet(CrowdModel):
    r"""Coarse- and Fine-grained Attention Network (CFANet).

    An encoder; a Crowd Region Recognizer and a Density Level Estimator on its deepest feature; a Density
    Map Estimator that joins the encoder's features and is re-weighted by both at every stage.

    A cell's density is :math:`\phi(z) \, s^2 / e` people, with :math:`\phi` the output activation of the
    linear map :math:`z`, :math:`s` the stride and :math:`e` the expansion. The default ``softplus`` is
    positive and has a gradient everywhere: a ReLU that has sunk below zero stays there, and ``abs`` folds
    its gradient at zero (both are there to compare; see the docs, *The paper and our answers*).

    Args:
        encoder: ``"vgg16"``, a timm model name, or a module with ``channels`` and ``strides`` (coarse to
            fine, each stride half the one before) whose forward gives that list of features of the padded
            image.
        encoder_weights: ``None``, ``"imagenet"`` or a path; never downloaded unless asked for by name.
        encoder_strides: Strides taken from a timm encoder, coarse to fine; ``None`` takes all.
        levels: Density classes k of the DLE, the background included (table 9).
        crr: Have the Crowd Region Recognizer (table 7).
        dle: Have the Density Level Estimator (table 7).
        supervision: Stages that give a supervised density map, counted from 1 (table 8); ``None`` means
            every stage.
        deep_skip: Draw the deepest skip connection, as figure 2 does.
        hard_levels: Weigh features by the likeliest level, not by the expectation; the density loss then
            does not reach the DLE.
        output: ``"softplus"``, ``"abs"`` (the authors'), ``"relu"``, or ``"identity"``, which has no sign.
        expansion: :math:`e`. The paper's training multiplies densities by 50; with a softplus that starts
            at 0.69 the default starts near 3.5e-4 people a pixel, between the means of ShanghaiTech A and B.
        crr_widths: Channels of the CRR's stages.
        dle_widths: Channels of the DLE's stages.
        dme_widths: Channels of the DME's stages.
        dilation: Dilation of the DME's stage convolutions.
        init: ``"normal"``: N(0, 0.01) outside the encoder, the paper's; ``"kaiming"`` for narrow stages,
            whose signal N(0, 0.01) would lose. Output layers are N(0, 0.01) either way.
        level_edges: The edges of the DLE's classes that it was trained with, people per pixel; a record.

    Raises:
        ArgumentError: If strides do not halve, or a choice is not among those named.

    References:
        Rong and Li. *Coarse- and Fine-grained Attention Network with Background-aware Loss for Crowd
        Density Map Estimation*. WACV 2021, section 3 and figure 2.

    Examples:
        >>> import torch
        >>> from crowdkit.models import create_model
        >>> model = create_model("cfanet").eval()
        >>> with torch.no_grad():
        ...     prediction = model(torch.rand(1, 3, 50, 70))
        >>> prediction.density.shape, prediction.count.shape
        (torch.Size([1, 1, 50, 70]), torch.Size([1]))
    """

    name = "cfanet"

    def __init__(
        self,
        *,
        encoder: str | nn.Module = "vgg16",
        encoder_weights: str | Path | None = None,
        encoder_strides: Sequence[int] | None = None,
        levels: int = 6,
        crr: bool = True,
        dle: bool = True,
        supervision: Sequence[int] | None = None,
        deep_skip: bool = False,
        hard_levels: bool = False,
        output: Output = "softplus",
        expansion: float = 2000.0,
        crr_widths: Sequence[int] = (256, 128, 128, 64),
        dle_widths: Sequence[int] = (256, 256, 128, 64),
        dme_widths: Sequence[int] = (512, 256, 256, 64),
        dilation: int = 2,
        init: Init = "normal",
        level_edges: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        check_output(output, expansion)
        check_choice("init", init, ("normal", "kaiming"))
        switches = {"crr": crr, "dle": dle, "deep_skip": deep_skip, "hard_levels": hard_levels}
        for key, value in switches.items():
            if not isinstance(value, bool):
                raise DTypeError(f"{key}: expected True or False, got {value!r}")
        check_levels(levels)
        if level_edges is not None and len(level_edges) != levels - 1:
            raise ArgumentError(
                f"level_edges: expected {levels - 1} for {levels} levels, got {len(level_edges)}"
            )
        stages = len(dme_widths)
        if supervision is None:
            supervision = range(1, stages + 1)
        self.encoder = _make_encoder(encoder, encoder_weights, encoder_strides)
        channels, strides = _pyramid(self.encoder, stages)
        self.stride = strides[-1]
        self.strides = strides
        self.output = output
        self.expansion = expansion
        self.hard_levels = hard_levels
        for branch, widths in (("crr_widths", crr_widths), ("dle_widths", dle_widths)):
            if len(widths) != stages:
                raise ArgumentError(f"{branch}: expected {stages} stages as in dme_widths, got {len(widths)}")
        self.crr = CRR(channels[0], widths=crr_widths) if crr else None
        self.dle = DLE(channels[0], levels=levels, widths=dle_widths) if dle else None
        self.dme = DME(
            channels,
            widths=dme_widths,
            dilation=dilation,
            supervision=tuple(supervision),
            deep_skip=deep_skip,
        )
        self._initialise(init)
        self.config = {
            "encoder": encoder,
            "encoder_weights": None if encoder_weights is None else str(encoder_weights),
            "encoder_strides": None if encoder_strides is None else list(encoder_strides),
            "levels": levels,
            "crr": crr,
            "dle": dle,
            "supervision": list(supervision),
            "deep_skip": deep_skip,
            "hard_levels": hard_levels,
            "output": output,
            "expansion": expansion,
            "crr_widths": list(crr_widths),
            "dle_widths": list(dle_widths),
            "dme_widths": list(dme_widths),
            "dilation": dilation,
            "init": init,
            "level_edges": None if level_edges is None else list(level_edges),
        }

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate density maps.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/s \rceil, \lceil W/s \rceil)`; while
            training also the other supervised maps and the attention logits.
        """
        size = images.shape[-2:]
        features = self.encoder(images)
        regions, levels = self._attend(features[0])
        maps = self.dme(features, self._weights(regions, levels))
        *stages, density = (self._crop(self._people(each), size, self.stride) for each in maps)
        if not self.training:
            return Prediction(density)
        return Prediction(
            density,
            tuple(stages),
            tuple(self._crop(logit, size, s) for logit, s in zip(regions, self.strides, strict=False)),
            tuple(self._crop(logit, size, s) for logit, s in zip(levels, self.strides, strict=False)),
        )

    def attention(self, images: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        r"""Look at the finest stage's attention, for a picture.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`.

        Returns:
            ``(weight, region, level)`` of the last stage, each :math:`(B, 1, h, w)`: the joint weight in
            [0, 2], the coarse map's probability of crowd and the fine map's expected weight, both in
            [0, 1]; ``None`` for a branch the model does not have.

        Raises:
            ArgumentError: If the model has neither branch.
        """
        size = images.shape[-2:]
        regions, levels = self._attend(self.encoder(images)[0])
        if not regions and not levels:
            raise ArgumentError("attention: expected a model with crr or dle, got one with neither")
        region = attention_weight(region=regions[-1]) if regions else None
        level = attention_weight(levels[-1], hard=self.hard_levels) if levels else None
        parts = [part for part in (region, level) if part is not None]
        weight = torch.stack(parts).sum(dim=0)
        region, level = (
            None if part is None else self._crop(part, size, self.stride) for part in (region, level)
        )
        return self._crop(weight, size, self.stride), region, level

    def _attend(self, deepest: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        regions = [] if self.crr is None else self.crr(deepest)
        levels = [] if self.dle is None else self.dle(deepest)
        return regions, levels

    def _weights(self, regions: list[Tensor], levels: list[Tensor]) -> list[Tensor | None]:
        if not regions and not levels:
            return [None] * len(self.strides)
        return [
            attention_weight(
                levels[i] if levels else None, regions[i] if regions else None, hard=self.hard_levels
            )
            for i in range(len(self.strides))
        ]

    def _people(self, linear: Tensor) -> Tensor:
        return people(linear, output=self.output, expansion=self.expansion, stride=self.stride)

    @staticmethod
    def _crop(x: Tensor, size: torch.Size, stride: int) -> Tensor:
        return x[..., : -(-size[0] // stride), : -(-size[1] // stride)]

    def _initialise(self, init: Init) -> None:
        heads = [self.dme.final, *self.dme.sides.values()]
        for branch in (self.crr, self.dle):
            if branch is not None:
                heads += list(branch.heads)
        for part in (self.crr, self.dle, self.dme):
            for module in part.modules() if part is not None else ():
                if not isinstance(module, nn.Conv2d):
                    continue
                if init == "kaiming" and module not in heads:
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                else:
                    nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def cfanet_lite(
    *,
    encoder: str | nn.Module = "tf_efficientnet_lite0",
    encoder_weights: str | Path | None = None,
    encoder_strides: Sequence[int] | None = (32, 16, 8, 4),
    levels: int = 6,
    crr: bool = True,
    dle: bool = True,
    supervision: Sequence[int] | None = None,
    hard_levels: bool = False,
    output: Output = "softplus",
    expansion: float = 2000.0,
    crr_widths: Sequence[int] = (64, 48, 32, 24),
    dle_widths: Sequence[int] = (64, 48, 32, 24),
    dme_widths: Sequence[int] = (128, 88, 56, 48),
    level_edges: Sequence[float] | None = None,
) -> CFANet:
    """Make a narrow :class:`CFANet` of stride 4 on a light encoder, for small machines.

    The parts are the paper's; the encoder, the widths, the stride and the Kaiming start differ.

    Args:
        encoder: A timm model name with features at ``encoder_strides``.
        encoder_weights: ``None``, ``"imagenet"`` or a path.
        encoder_strides: Strides taken from the encoder, coarse to fine.
        levels: See :class:`CFANet`, as for all that follow.
        crr: Have the Crowd Region Recognizer.
        dle: Have the Density Level Estimator.
        supervision: Stages that give a supervised density map.
        hard_levels: Weigh features by the likeliest level.
        output: Output activation.
        expansion: Divides the output.
        crr_widths: Channels of the CRR's stages.
        dle_widths: Channels of the DLE's stages.
        dme_widths: Channels of the DME's stages.
        level_edges: The edges of the DLE's classes; a record.

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
        hard_levels=hard_levels,
        output=output,
        expansion=expansion,
        crr_widths=crr_widths,
        dle_widths=dle_widths,
        dme_widths=dme_widths,
        init="kaiming",
        level_edges=level_edges,
    )


def _make_encoder(
    encoder: str | nn.Module, weights: str | Path | None, strides: Sequence[int] | None
) -> nn.Module:
    if isinstance(encoder, nn.Module):
        if weights is not None or strides is not None:
            raise ArgumentError(
                "encoder: expected no encoder_weights or encoder_strides beside a module of your own"
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
    return TimmEncoder(encoder, weights=weights, strides=strides)


def _pyramid(encoder: nn.Module, stages: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
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
