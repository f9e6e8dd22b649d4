"""CFANet, the network of the paper."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from torch import Tensor, nn

from crowdkit.errors import ArgumentError, DTypeError, check_choice
from crowdkit.layers import CRR, DLE, DME, BlockBranch
from crowdkit.models._blocks import shared_out
from crowdkit.models._encoders import crop, make_encoder, pyramid
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._injection import SEPARATE, Injection, check_injection, joint_weight, to_image
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models.attention_view import AttentionView, branch_planes, fit_view, pick_stage
from crowdkit.models.base import CrowdModel
from crowdkit.ops import check_levels
from crowdkit.prediction import BlockCounts, Prediction


class CFANet(CrowdModel):
    r"""Coarse- and Fine-grained Attention Network (CFANet).

    It consists of an encoder, a Crowd Region Recognizer and a Density Level Estimator on its deepest feature, and a
    Density Map Estimator that combines the encoder's features and is re-weighted by both at every stage.

    A cell's density is :math:`\phi(z) \, s^2 / e` people, with the output activation :math:`\phi` of the linear
    map :math:`z`, the stride :math:`s` and the expansion :math:`e`. The default ``softplus`` is positive and has a
    gradient everywhere: a ReLU that has dropped below zero stays there, and the gradient of ``abs`` flips its sign
    at zero (both are available for comparison; see the docs, *The paper and our answers*).

    Args:
        encoder: ``"vgg16"``, a timm model name, or a module with ``channels`` and ``strides`` (coarse to fine, each
            stride half the one before) whose forward returns the list of these features of the padded image.
        encoder_weights: ``None``, ``"imagenet"`` or a path; downloaded only if requested by name.
        encoder_strides: Strides to use from a timm encoder, coarse to fine; ``None`` uses all.
        levels: Density classes k of the DLE, the background included (table 9).
        crr: Whether to include the Crowd Region Recognizer (table 7).
        dle: Whether to include the Density Level Estimator (table 7).
        supervision: Stages that output a supervised density map, counted from 1 (table 8); ``None`` means every
            stage.
        deep_skip: Include the deepest skip connection, which figure 2 draws.
        injection: Where the attention A enters (figure 3): ``"stages"`` (d) re-weights the decoder's feature F at
            every stage, F + A F; ``"output"`` (c) multiplies the final density; ``"features"`` (b) multiplies every
            feature of the encoder, and ``"input"`` (a) the image, by the attention of a *separate network*: the same
            branches on a second encoder, created as ``encoder`` is (a module is copied).
        hard_levels: Weight features by the most likely level instead of the expectation; the density loss then does
            not reach the DLE.
        output: ``"softplus"``, ``"abs"`` (the authors'), ``"relu"``, or ``"identity"``, which may be negative.
        expansion: Factor :math:`e` on people per pixel in the network's output :math:`\phi(z)`. The paper's
            training multiplies densities by 50; with a softplus that starts at 0.69 the default starts near
            3.5e-4 people per pixel, between the means of ShanghaiTech A and B.
        crr_widths: Channels of the CRR's stages.
        dle_widths: Channels of the DLE's stages.
        dme_widths: Channels of the DME's stages.
        dilation: Dilation of the DME's stage convolutions.
        init: ``"normal"``: N(0, 0.01) outside the encoder, the paper's; ``"kaiming"`` for narrow stages,
            whose signal N(0, 0.01) would lose. Output layers are N(0, 0.01) either way.
        level_edges: The edges of the DLE's classes that it was trained with, people per pixel; a record.
        blocks: Also count blocks, cells of the second deepest feature, by a :class:`~crowdkit.layers.BlockBranch`
            with these bins: in ``eval()`` the density of a block is shared out as before, and its sum is the mean
            of both counts; while training they stay apart. ``None`` leaves blocks out, as the paper does.

    Raises:
        ArgumentError: If strides do not halve, or ``injection`` has no attention to inject.
        UnknownNameError: If a choice is not one of those listed.

    References:
        Rong and Li. *Coarse- and Fine-grained Attention Network with Background-aware Loss for Crowd
        Density Map Estimation*. WACV 2021, section 3, figures 2 and 3.

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
        injection: Injection = "stages",
        hard_levels: bool = False,
        output: Output = "softplus",
        expansion: float = 2000.0,
        crr_widths: Sequence[int] = (256, 128, 128, 64),
        dle_widths: Sequence[int] = (256, 256, 128, 64),
        dme_widths: Sequence[int] = (512, 256, 256, 64),
        dilation: int = 2,
        init: Init = "normal",
        level_edges: Sequence[float] | None = None,
        blocks: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        check_output(output, expansion)
        check_choice("init", init, INITS)
        switches = {"crr": crr, "dle": dle, "deep_skip": deep_skip, "hard_levels": hard_levels}
        for key, value in switches.items():
            if not isinstance(value, bool):
                raise DTypeError(f"{key}: expected True or False, got {value!r}")
        check_injection(injection, attention=crr or dle)
        check_levels(levels)
        if level_edges is not None and len(level_edges) != levels - 1:
            raise ArgumentError(
                f"level_edges: expected {levels - 1} for {levels} levels, got {len(level_edges)}"
            )
        stages = len(dme_widths)
        if supervision is None:
            supervision = range(1, stages + 1)
        self.encoder = make_encoder(encoder, encoder_weights, encoder_strides)
        channels, strides = pyramid(self.encoder, stages)
        self.attention_encoder: nn.Module | None = None
        if injection in SEPARATE:
            own = deepcopy(encoder) if isinstance(encoder, nn.Module) else encoder
            self.attention_encoder = make_encoder(own, encoder_weights, encoder_strides)
        self.stride = strides[-1]
        self.strides = strides
        self.output = output
        self.expansion = expansion
        self.injection: Injection = injection
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
        self.blocks = None if blocks is None else BlockBranch(channels[0], channels[1], bins=blocks)
        branches = [branch for branch in (self.crr, self.dle, self.blocks) if branch is not None]
        heads = [self.dme.final, *self.dme.sides.values()]
        heads += [head for branch in (self.crr, self.dle) if branch is not None for head in branch.heads]
        if self.blocks is not None:
            heads += [self.blocks.head.zero, self.blocks.head.bin]
        init_weights([*branches, self.dme], heads=heads, init=init)

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate density maps.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/s \rceil, \lceil W/s \rceil)`; while training
            it also has the other supervised maps and the attention logits.
        """
        size = images.shape[-2:]
        _, features, regions, levels = self._extract(images)
        maps = [self._people(each) for each in self.dme(features, self._stage_weights(regions, levels))]
        if self.injection == "output":
            maps[-1] = maps[-1] * self._weight(regions, levels, -1)
        counts = None if self.blocks is None else self.blocks(*features[:2])
        if counts is not None and not self.training:
            # Trained on the joined map, each count learns to undo the other's bias, and both go astray.
            maps[-1] = shared_out(maps[-1], counts.density, factor=self.strides[1] // self.stride)
        *stages, density = (crop(each, size, self.stride) for each in maps)
        if not self.training:
            return Prediction(density)
        if counts is not None:
            counts = BlockCounts(*(crop(each, size, self.strides[1]) for each in counts))
        return Prediction(
            density,
            tuple(stages),
            tuple(crop(logit, size, s) for logit, s in zip(regions, self.strides, strict=False)),
            tuple(crop(logit, size, s) for logit, s in zip(levels, self.strides, strict=False)),
            counts,
        )

    def attention(self, images: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        r"""Return the attention of the finest stage; :meth:`attention_view` also returns what it re-weights.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`.

        Returns:
            ``(weight, region, level)`` of the last stage, each :math:`(B, 1, h, w)`: the weight that is
            injected (in [0, 2]; in [0, 1] with one branch, or if ``injection`` is not ``"stages"``), the
            coarse map's probability of crowd and the fine map's expected weight, both in [0, 1]; ``None``
            for a branch the model does not have.

        Raises:
            ArgumentError: If the model has neither branch.
        """
        source = self.encoder if self.attention_encoder is None else self.attention_encoder
        regions, levels = self._attend(source(images)[0])
        region, level, _ = branch_planes(regions, levels, -1, hard=self.hard_levels)
        size, weight = images.shape[-2:], self._weight(regions, levels, -1)
        region, level = (None if each is None else crop(each, size, self.stride) for each in (region, level))
        return crop(weight, size, self.stride), region, level

    def attention_view(self, images: Tensor, *, stage: int | None = None) -> AttentionView:
        """Return what the attention re-weights, before and after (figure 6).

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`.
            stage: The stage, counted from 1, coarse to fine; ``None`` for the last. ``injection`` ``"input"`` and
                ``"output"`` re-weight only once, at the last.

        Returns:
            The attention and what it re-weights.

        Raises:
            ArgumentError: If the model has neither branch, or nothing is re-weighted at that stage.

        Examples:
            >>> import torch
            >>> from crowdkit.models import create_model
            >>> seen = create_model("cfanet_lite").eval().attention_view(torch.rand(1, 3, 64, 96), stage=3)
            >>> seen.what, tuple(seen.before.shape), tuple(seen.region.shape)
            ('feature', (1, 56, 8, 12), (1, 1, 8, 12))
        """
        index = pick_stage(stage, len(self.strides), only_last=self.injection in ("input", "output"))
        own, features, regions, levels = self._extract(images)
        planes = branch_planes(regions, levels, index, hard=self.hard_levels)
        weight, weights = self._weight(regions, levels, index), self._stage_weights(regions, levels)
        what = {"input": "image", "output": "density"}.get(self.injection, "feature")
        if self.injection == "stages":
            before, after = self.dme.look(features, weights, stage=index + 1)
        elif self.injection == "features":
            before, after = own[index], features[index]
        elif self.injection == "output":
            before = self._people(self.dme(features, weights)[-1])
            after = before * weight
        else:
            before, after = images, images * to_image(weight, images, self.stride)
        seen = AttentionView(what, index + 1, before, after, weight, *planes)
        return fit_view(seen, images.shape[-2:], self.strides[index])

    def _extract(self, images: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """Return the encoder's features, those for the decoder, and the logits of CRR and DLE."""
        if self.attention_encoder is None:
            features = self.encoder(images)
            return features, features, *self._attend(features[0])
        regions, levels = self._attend(self.attention_encoder(images)[0])
        if self.injection == "input":
            weight = to_image(self._weight(regions, levels, -1), images, self.stride)
            features = self.encoder(images * weight)
            return features, features, regions, levels
        features = self.encoder(images)
        weights = [self._weight(regions, levels, index) for index in range(len(features))]
        weighted = [x * weight.to(x.dtype) for x, weight in zip(features, weights, strict=True)]
        return features, weighted, regions, levels

    def _attend(self, deepest: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        regions = [] if self.crr is None else self.crr(deepest)
        levels = [] if self.dle is None else self.dle(deepest)
        return regions, levels

    def _weight(self, regions: list[Tensor], levels: list[Tensor], index: int) -> Tensor:
        return joint_weight(regions, levels, index, injection=self.injection, hard=self.hard_levels)

    def _stage_weights(self, regions: list[Tensor], levels: list[Tensor]) -> list[Tensor | None]:
        if self.injection != "stages" or not (regions or levels):
            return [None] * len(self.strides)
        return [self._weight(regions, levels, index) for index in range(len(self.strides))]

    def _people(self, linear: Tensor) -> Tensor:
        return to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)
