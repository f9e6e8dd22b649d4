"""The decoder that turns re-weighted features into density maps."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.layers.attention import ResidualAttention
from crowdkit.ops import by_rows, dilated_conv2d, upsampled_conv2d


class DME(nn.Module):
    """Density Map Estimator (DME): a U-shaped decoder, re-weighted by attention at every stage.

    C(512,3)-U-C(256,3)-U-C(256,3)-U-C(64,3)-C(1,1) with dilation 2 in the stage convolutions. Each stage is a
    convolution followed by residual attention. Its density map is a C(1,3) side output after an upsample to full
    size; that of the last stage is C(1,1). Encoder features are concatenated.

    The output is linear: the activation and the scale that turn it into people per cell belong to the model.

    Args:
        encoder_channels: Channels of the encoder features, coarse to fine.
        widths: Channels of each stage, coarse to fine.
        dilation: Dilation of the stage convolutions.
        supervision: Stages, counted from 1, that output a density map while training; must include the last.
        deep_skip: Also concatenate the deepest encoder feature, which is the decoder's input, to itself.

    Raises:
        ArgumentError: If the lists do not match each other or ``supervision`` lacks the last stage.

    References:
        The CFANet paper, section 3.4, figure 2 and table 8.

    Examples:
        >>> import torch
        >>> dme = DME((32, 16), widths=(16, 8), supervision=(1, 2))
        >>> maps = dme([torch.rand(1, 32, 4, 5), torch.rand(1, 16, 8, 10)], [None, None])
        >>> [tuple(each.shape) for each in maps]
        [(1, 1, 8, 10), (1, 1, 8, 10)]
    """

    def __init__(
        self,
        encoder_channels: Sequence[int],
        *,
        widths: Sequence[int] = (512, 256, 256, 64),
        dilation: int = 2,
        supervision: Sequence[int] = (1, 2, 3, 4),
        deep_skip: bool = False,
    ) -> None:
        super().__init__()
        count = len(widths)
        if len(encoder_channels) != count:
            raise ArgumentError(
                f"widths: expected one per stage, {len(encoder_channels)} for encoder channels "
                f"{tuple(encoder_channels)}, got {count}"
            )
        if sorted(set(supervision)) != list(supervision) or not set(supervision) <= set(range(1, count + 1)):
            raise ArgumentError(
                f"supervision: expected ascending stages among 1..{count}, got {tuple(supervision)}"
            )
        if count not in supervision:
            raise ArgumentError(
                f"supervision: expected the last stage {count} among them, got {tuple(supervision)}"
            )
        self.supervision = tuple(supervision)
        self.deep_skip = deep_skip
        self.widths = tuple(widths)
        self.dilation = dilation
        inputs = [
            encoder_channels[0] * (2 if deep_skip else 1),
            *(width + skip for width, skip in zip(widths[:-1], encoder_channels[1:], strict=True)),
        ]
        self.stages = nn.ModuleList(
            nn.Conv2d(i, o, kernel_size=3, padding=dilation, dilation=dilation)
            for i, o in zip(inputs, widths, strict=True)
        )
        self.attention = ResidualAttention()
        self.sides = nn.ModuleDict(
            {str(s): nn.Conv2d(widths[s - 1], 1, kernel_size=3, padding=1) for s in supervision[:-1]}
        )
        self.final = nn.Conv2d(widths[-1], 1, kernel_size=1)

    def forward(self, features: Sequence[Tensor], weights: Sequence[Tensor | None]) -> list[Tensor]:
        """Decode encoder features into density maps.

        Args:
            features: Encoder features coarse to fine, each twice the size of the one before.
            weights: One attention map per stage, :math:`(B, 1, h_i, w_i)`, or ``None`` for no re-weighting.

        Returns:
            Linear maps :math:`(B, 1, h, w)` at the finest size: while training one per supervised stage, coarse to
            fine; in ``eval()`` only the last.

        Raises:
            ShapeError: If there is not one feature and one weight per stage.
        """
        self._check(features, weights)
        maps = []
        x = features[0]
        for index, (skip, weight) in enumerate(zip(features, weights, strict=True)):
            stage = partial(self._stage, index)
            inputs = [x] if index == 0 else [x, skip]
            inputs += [] if weight is None else [weight]
            scale = 1 if index == 0 else 2
            [x] = by_rows(stage, inputs, halo=self.dilation, channels=self.widths[index], scale=scale)
            name = str(index + 1)
            if self.training and name in self.sides:
                factor = 2 ** (len(self.stages) - 1 - index)
                side = self.sides.get_parameter(f"{name}.weight")
                bias = self.sides.get_parameter(f"{name}.bias")
                maps.append(upsampled_conv2d(x, side, bias, factor=factor))
        return [*maps, x]

    def look(
        self, features: Sequence[Tensor], weights: Sequence[Tensor | None], *, stage: int
    ) -> tuple[Tensor, Tensor]:
        """Decode up to a stage and return its feature before and after re-weighting.

        Args:
            features: As in ``forward``.
            weights: As in ``forward``.
            stage: The stage, counted from 1.

        Returns:
            ``(before, after)``, each :math:`(B, C, h, w)`; identical where the weight is ``None``.

        Raises:
            ShapeError: If there is not one feature and one weight per stage.
            ArgumentError: If there is no such stage.

        Examples:
            >>> import torch
            >>> dme = DME((32, 16), widths=(16, 8), supervision=(1, 2))
            >>> features, weight = [torch.rand(1, 32, 4, 5), torch.rand(1, 16, 8, 10)], torch.ones(1, 1, 4, 5)
            >>> before, after = dme.look(features, [weight, None], stage=1)
            >>> torch.equal(after, 2 * before)
            True
        """
        self._check(features, weights)
        if stage not in range(1, len(self.stages) + 1):
            raise ArgumentError(f"stage: expected one of 1..{len(self.stages)}, got {stage!r}")
        before = after = features[0]
        for index in range(stage):
            before = self._convolve(index, after, features[index])
            after = self._reweigh(before, weights[index])
        return before, after

    def _check(self, features: Sequence[Tensor], weights: Sequence[Tensor | None]) -> None:
        if not len(features) == len(weights) == len(self.stages):
            raise ShapeError(
                f"features, weights: expected {len(self.stages)} of each, got {len(features)}, {len(weights)}"
            )

    def _stage(self, index: int, x: Tensor, *inputs: Tensor) -> tuple[Tensor]:
        """Return the re-weighted feature of a stage, or the map of the last stage."""
        skip, *weight = inputs if index > 0 else (x, *inputs)
        feature, attention = self._convolve(index, x, skip), weight[0] if weight else None
        if index + 1 < len(self.stages):
            return (self._reweigh(feature, attention),)
        return (self._map(feature, attention),)

    def _map(self, feature: Tensor, weight: Tensor | None) -> Tensor:
        """Return the last map; without gradients in float32, which is cheap and avoids rounding errors."""
        device = feature.device.type
        if torch.is_grad_enabled() or not torch.is_autocast_enabled(device):
            return self._linear(feature, weight)
        with torch.autocast(device, enabled=False):
            return self._linear(feature.float(), None if weight is None else weight.float())

    def _linear(self, feature: Tensor, weight: Tensor | None) -> Tensor:
        linear: Tensor = self.final(self._reweigh(feature, weight))
        return linear

    def _convolve(self, index: int, x: Tensor, skip: Tensor) -> Tensor:
        """Convolve the upsampled ``x`` concatenated with its skip, as the sum of two convolutions."""
        weight = self.stages.get_parameter(f"{index}.weight")
        bias = self.stages.get_parameter(f"{index}.bias")
        above, beside = weight[:, : x.shape[1]], weight[:, x.shape[1] :]
        if index > 0:
            y = upsampled_conv2d(x, above, bias, dilation=self.dilation)
            y += dilated_conv2d(skip, beside, dilation=self.dilation)
        else:
            # The deepest skip is the decoder's input itself.
            whole = above + beside if self.deep_skip else weight
            y = dilated_conv2d(x, whole, bias, dilation=self.dilation)
        return F.relu(y, inplace=True)

    def _reweigh(self, x: Tensor, weight: Tensor | None) -> Tensor:
        if weight is None:
            return x
        reweighted: Tensor = self.attention(x, weight)
        return reweighted
