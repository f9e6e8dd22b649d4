"""MARUNet: the CFANet authors' earlier network, with coarse attention only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, check_choice
from crowdkit.layers import CRR, VGG16Encoder, attention_weight
from crowdkit.models._encoders import crop
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models.base import CrowdModel
from crowdkit.models.published import load_exact, read_published
from crowdkit.ops import upsample, upsampled_conv2d
from crowdkit.prediction import Prediction


class MARUNet(CrowdModel):
    r"""Multi-level Attention Refined U-Net (MARUNet).

    All thirteen convolutions of VGG-16, at strides 16 to 1; a bridge on the deepest; five attention maps from the
    bridge, coarse to fine; a decoder in which every stage concatenates the decoder's and the encoder's feature and
    *multiplies* them by the attention A before its convolution,

    .. math:: F_i = \mathrm{ReLU}(C_3(A_i \cdot [U F_{i-1}, E_i]))

    where CFANet re-weights after the convolution and keeps the feature itself. Bridge, attention and decoder stages
    have dilation 2. There are six density maps at full size: one from the bridge and one from each stage. While
    training, the five before the last are ``stages``, and the five attention logits ``region``.

    Args:
        encoder_weights: ``None``, ``"imagenet"`` or a path to VGG-16's weights with torchvision's keys.
        bridge: Channels of the bridge.
        crr_widths: Channels of the five attention stages, coarse to fine.
        widths: Channels of the five decoder stages, coarse to fine.
        output: ``"softplus"``, ``"abs"`` (the authors'), ``"relu"``, or ``"identity"``, which may be negative.
        expansion: Factor on people per pixel in the network's output, as in :class:`CFANet`; the authors' is
            50.
        init: ``"normal"``: N(0, 0.01) outside the encoder, the authors'; ``"kaiming"`` for narrow stages.
            Output layers are always N(0, 0.01).

    Raises:
        ArgumentError: If ``crr_widths`` and ``widths`` do not have five numbers each.

    References:
        Rong and Li, the CFANet paper, table 7, row "w. CRR"; github.com/rongliangzi/MARUNet.

    Examples:
        >>> import torch
        >>> model = MARUNet().eval()
        >>> with torch.no_grad():
        ...     model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 50, 70])
    """

    name = "marunet"
    stride = 1

    def __init__(
        self,
        *,
        encoder_weights: str | Path | None = None,
        bridge: int = 512,
        crr_widths: Sequence[int] = (256, 256, 128, 128, 64),
        widths: Sequence[int] = (512, 256, 128, 64, 64),
        output: Output = "softplus",
        expansion: float = 2000.0,
        init: Init = "normal",
    ) -> None:
        super().__init__()
        check_output(output, expansion)
        check_choice("init", init, INITS)
        self.output: Output = output
        self.expansion = expansion
        self.encoder = VGG16Encoder(encoder_weights, strides=(16, 8, 4, 2, 1))
        channels = self.encoder.channels
        for key, given in (("crr_widths", crr_widths), ("widths", widths)):
            if len(given) != len(channels):
                raise ArgumentError(f"{key}: expected {len(channels)} stages, got {len(given)}")
        self.bridge = nn.Conv2d(channels[0], bridge, kernel_size=3, padding=2, dilation=2)
        self.crr = CRR(bridge, widths=crr_widths, dilation=2)
        above = (bridge, *widths)
        self.stages = nn.ModuleList(
            nn.Conv2d(i + skip, o, kernel_size=3, padding=2, dilation=2)
            for i, skip, o in zip(above[:-1], channels, widths, strict=True)
        )
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, kernel_size=3, padding=1) for width in above[:-1])
        self.final = nn.Conv2d(above[-1], 1, kernel_size=1)
        init_weights(
            (self.bridge, self.crr, self.stages, self.sides, self.final),
            heads=(*self.crr.heads, *self.sides, self.final),
            init=init,
        )

    @classmethod
    def load_published(cls, path: str | Path) -> Self:
        """Load a checkpoint of the authors' repository (there named MARNet), with its output.

        The checkpoint's output is the absolute value, scaled to 50 per person. For sides divisible by 16 the map equals
        the original's; otherwise the original drops the last rows and columns in its poolings, while this model pads
        the image with zeros.

        Args:
            path: A checkpoint of github.com/rongliangzi/MARUNet.

        Returns:
            The model in ``eval()``.

        Raises:
            DataError: If the file is unreadable, or a tensor is missing, unexpected or of another shape.
        """
        model = cls(output="abs", expansion=50.0)
        load_exact(model, read_published(path), path=path, rename=_published_name)
        return model.eval()

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate density maps.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, H, W)`; while training it also has the five supervised
            maps before it and the attention logits at strides 16, 8, 4, 2 and 1.
        """
        size, strides = images.shape[-2:], self.encoder.strides
        features = self.encoder(images)
        x = F.relu(self.bridge(features[0]))
        regions = self.crr(x)
        maps = [self._side(0, x, strides[0])] if self.training else []
        for index, (stage, skip, region) in enumerate(zip(self.stages, features, regions, strict=True)):
            # In the authors' order, to match their weights: the decoder's feature first in the first stage, the skip
            # first from the second stage on.
            parts = [x, skip] if index == 0 else [skip, upsample(x)]
            joined = torch.cat(parts, dim=1)
            x = F.relu(stage(joined * attention_weight(region=region).to(joined.dtype)))
            if self.training and index + 1 < len(self.sides):
                maps.append(self._side(index + 1, x, strides[index]))
        maps.append(self.final(x))
        *stages, density = (crop(self._people(each), size, self.stride) for each in maps)
        if not self.training:
            return Prediction(density)
        logits = tuple(crop(each, size, s) for each, s in zip(regions, strides, strict=True))
        return Prediction(density, tuple(stages), logits)

    def _side(self, index: int, x: Tensor, factor: int) -> Tensor:
        weight = self.sides.get_parameter(f"{index}.weight")
        bias = self.sides.get_parameter(f"{index}.bias")
        return upsampled_conv2d(x, weight, bias, factor=factor)

    def _people(self, linear: Tensor) -> Tensor:
        return to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)


# The first VGG-16 layer of each of the authors' front ends.
_FRONTS = (0, 4, 9, 16, 23)


def _published_name(key: str) -> str:
    *place, what = key.split(".")
    match place:
        case ["encoder", "features", layer]:
            front = max(i for i, begin in enumerate(_FRONTS) if begin <= int(layer))
            name = f"front{front}.{int(layer) - _FRONTS[front]}"
        case ["crr", "stages", index]:
            name = f"amp_conv{4 - int(index)}.0"
        case ["crr", "heads", index]:
            name = f"amp_outconv{4 - int(index)}"
        case ["stages", index]:
            name = f"back{4 - int(index)}.0"
        case ["sides", index]:
            name = "outconvb" if index == "0" else f"outconv{5 - int(index)}"
        case ["bridge"]:
            name = "brg.0"
        case _:
            name = "output_layer"
    return f"{name}.{what}"
