"""DSNet: three dense blocks of dilated convolutions behind VGG-16."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import check_choice
from crowdkit.layers import VGG16Encoder
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models._ragged_sizes import PAD_OR_DROP, PadOrDrop, fit_density
from crowdkit.models.base import CrowdModel
from crowdkit.models.published import load_exact, read_published
from crowdkit.prediction import Prediction


class _DenseDilatedBlock(nn.Module):
    """Dense Dilated Convolution Block (DDCB): each dilation sees all before it; no biases."""

    def __init__(self, channels: int, *, bottleneck: int, growth: int, dilations: Sequence[int]) -> None:
        super().__init__()
        inputs = [channels + index * growth for index in range(len(dilations) + 1)]
        self.squeeze = nn.ModuleList(nn.Conv2d(i, bottleneck, kernel_size=1, bias=False) for i in inputs[:-1])
        self.dilated = nn.ModuleList(
            nn.Conv2d(bottleneck, growth, kernel_size=3, padding=d, dilation=d, bias=False) for d in dilations
        )
        self.fuse = nn.Conv2d(inputs[-1], channels, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        for squeeze, dilated in zip(self.squeeze, self.dilated, strict=True):
            x = torch.cat([x, F.relu(dilated(F.relu(squeeze(x))))], dim=1)
        fused: Tensor = self.fuse(x)
        return fused


class DSNet(CrowdModel):
    r"""Dense Scale Network: one column that sees many scales.

    The first ten convolutions of VGG-16; three dense dilated convolution blocks, each

    .. math:: x_j = [x_{j-1}, \; C_{64, 3, j}(C_{256, 1}(x_{j-1}))], \; j = 1, 2, 3; \qquad
              y = x_0 + C_{512, 3}(x_3)

    with dilation j and no biases; then C(128,3)-C(64,3)-C(1,1). Density at stride 8.

    Args:
        encoder_weights: ``None``, ``"imagenet"`` or a path to VGG-16's weights with torchvision's keys.
        edges: For sides not divisible by 8: ``"pad"`` pads with zeros; ``"drop"`` leaves out what the poolings
            drop, as the original does, and counts no one there.
        output: ``"softplus"``, ``"abs"``, ``"relu"``, or ``"identity"`` (the original's), which may be negative.
        expansion: Factor on people per pixel in the network's output, as in :class:`CFANet`.
        init: ``"kaiming"``, or ``"normal"``: N(0, 0.01) outside the encoder, as in the original. The last layer is
            always N(0, 0.01).

    References:
        Dai, Liu, Ma, Cao, Zhao and Zhang. *Dense Scale Network for Crowd Counting*. 2019 (arXiv 1906.09707).

    Examples:
        >>> import torch
        >>> model = DSNet().eval()
        >>> with torch.no_grad():
        ...     model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 7, 9])
    """

    name = "dsnet"
    stride = 8

    def __init__(
        self,
        *,
        encoder_weights: str | Path | None = None,
        edges: PadOrDrop = "pad",
        output: Output = "softplus",
        expansion: float = 2000.0,
        init: Init = "kaiming",
    ) -> None:
        super().__init__()
        check_output(output, expansion)
        check_choice("edges", edges, PAD_OR_DROP)
        check_choice("init", init, INITS)
        self.edges: PadOrDrop = edges
        self.output: Output = output
        self.expansion = expansion
        self.encoder = VGG16Encoder(encoder_weights, strides=(8,), pad=edges == "pad")
        self.blocks = nn.ModuleList(
            _DenseDilatedBlock(512, bottleneck=256, growth=64, dilations=(1, 2, 3)) for _ in range(3)
        )
        self.head = nn.Sequential(
            nn.Conv2d(512, 128, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 64, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 1, kernel_size=1),
        )
        init_weights((self.blocks, self.head), heads=(self.head[-1],), init=init)

    @classmethod
    def load_published(cls, path: str | Path) -> Self:
        """Load a checkpoint of the unofficial repository, with that repository's output.

        That repository's count is the plain sum of the last convolution, which may be negative, and it drops the
        remainder of sides not divisible by 8. Supported keys are those of the block without biases whose fusing
        convolution sees all three dilations; the repository's other version, which has other shapes, is rejected.

        Args:
            path: A checkpoint of github.com/rongliangzi/Dense-Scale-Network-for-Crowd-Counting.

        Returns:
            The model in ``eval()``.

        Raises:
            DataError: If the file is unreadable, or a tensor is missing, unexpected or of another shape.
        """
        model = cls(edges="drop", output="identity", expansion=float(cls.stride**2))
        load_exact(model, read_published(path), path=path, rename=_published_name)
        return model.eval()

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate density maps.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/8 \rceil, \lceil W/8 \rceil)`.
        """
        (x,) = self.encoder(images)
        for block in self.blocks:
            x = x + block(x)
        density = to_density(self.head(x), output=self.output, expansion=self.expansion, stride=self.stride)
        return Prediction(fit_density(density, images.shape[-2:], stride=self.stride, edges=self.edges))


def _published_name(key: str) -> str:
    part, *rest = key.split(".")
    if part == "encoder":
        return ".".join(rest)
    if part == "head":
        return ".".join(["output_layers", *rest])
    block, layer, *rest = rest
    if layer == "fuse":
        place = "conv4"
    else:
        index, *rest = rest
        place = f"conv{int(index) + 1}.{0 if layer == 'squeeze' else 2}"
    return ".".join([f"DDCB{int(block) + 1}", place, *rest])
