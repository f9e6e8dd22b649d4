"""SFCN on ResNet-101: a dilated back end that passes messages along rows and columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import check_choice
from crowdkit.layers import ResNet101Encoder
from crowdkit.models._c3 import LOG_PARA, PREFIXES, mean_std
from crowdkit.models._encoders import crop
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models.base import CrowdModel
from crowdkit.models.published import load_exact, read_published
from crowdkit.prediction import Prediction


class _Messages(nn.Module):
    """Message passing between slices of a map along ``dim``, forwards and back: each adds a message from the last."""

    def __init__(self, channels: int, *, dim: int, reach: int = 4) -> None:
        super().__init__()
        self.dim = dim
        kernel = (1, 2 * reach + 1) if dim == 2 else (2 * reach + 1, 1)
        self.conv = nn.Conv2d(channels, channels, kernel, padding=(kernel[0] // 2, kernel[1] // 2))

    def forward(self, x: Tensor) -> Tensor:
        slices = list(x.chunk(x.shape[self.dim], dim=self.dim))
        for _ in range(2):
            for i in range(1, len(slices)):
                slices[i] = slices[i] + F.relu(self.conv(slices[i - 1]))
            slices.reverse()
        return torch.cat(slices, dim=self.dim)


class SFCNResNet101(CrowdModel):
    r"""Spatial Fully Convolutional Network (SFCN) on ResNet-101.

    ResNet-101 up to its third stage at stride 8; six 3x3 convolutions of dilation 2 (512, 512, 512, 256, 128, 64);
    messages down and up the rows, then right and left along the columns; C(1,1). A row passes

    .. math:: y_i = x_i + \mathrm{ReLU}(C_{1 \times 9}(y_{i-1}))

    to the next, and back again with the same weights. Density at stride 8: the original repeats each cell 8 x 8
    times, which changes neither its count nor, up to a constant, its squared error.

    Args:
        encoder_weights: ``None``, ``"imagenet"`` or a path to ResNet-101's weights with torchvision's keys.
        blocks: Bottlenecks in each of the encoder's three stages.
        widths: Channels of the back end's convolutions.
        mean: Mean of each channel, for values in [0, 1].
        std: Standard deviation of each channel.
        output: ``"softplus"``, ``"abs"``, ``"relu"`` (the original's), or ``"identity"``, which may be negative.
        expansion: Factor on people per pixel in the network's output, as in :class:`CFANet`.
        init: ``"kaiming"``, or ``"normal"``: N(0, 0.01) outside the encoder, as in the original. Messages and the
            last layer are always N(0, 0.01).

    References:
        Wang, Gao, Lin and Yuan. *Learning from Synthetic Data for Crowd Counting in the Wild*. CVPR 2019,
        section 4; Pan, Shi, Luo, Wang and Tang. *Spatial as Deep*. AAAI 2018, for the messages.

    Examples:
        >>> import torch
        >>> model = SFCNResNet101(blocks=(1, 1, 1)).eval()
        >>> with torch.no_grad():
        ...     model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 7, 9])
    """

    name = "sfcn_resnet101"
    stride = 8
    one_size = "messages pass through the map in one step per row and column"

    def __init__(
        self,
        *,
        encoder_weights: str | Path | None = None,
        blocks: Sequence[int] = (3, 4, 23),
        widths: Sequence[int] = (512, 512, 512, 256, 128, 64),
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        output: Output = "softplus",
        expansion: float = 2000.0,
        init: Init = "kaiming",
    ) -> None:
        super().__init__()
        check_output(output, expansion)
        check_choice("init", init, INITS)
        self.output: Output = output
        self.expansion = expansion
        self.encoder = ResNet101Encoder(encoder_weights, blocks=blocks, mean=mean, std=std)
        layers: list[nn.Module] = []
        inputs = self.encoder.channels[0]
        for width in widths:
            layers += [nn.Conv2d(inputs, width, kernel_size=3, padding=2, dilation=2), nn.ReLU()]
            inputs = width
        self.back = nn.Sequential(*layers)
        self.rows = _Messages(inputs, dim=2)
        self.columns = _Messages(inputs, dim=3)
        self.density = nn.Conv2d(inputs, 1, kernel_size=1)
        # A message passes through its convolution once per row: with Kaiming's gain it grows without bound.
        passing = (self.rows, self.columns, self.density)
        init_weights(
            (self.back, *passing), heads=(self.rows.conv, self.columns.conv, self.density), init=init
        )

    @classmethod
    def load_published(cls, path: str | Path, *, trained_on: str = "gcc") -> Self:
        """Load a checkpoint of the C3 framework or of GCC-SFCN, with its normalization and output.

        The checkpoint's output is 100 per person, after a ReLU, and its input is normalized by the mean and standard
        deviation of its training data set, which the file does not hold.

        Args:
            path: A checkpoint of github.com/gjy3035/C-3-Framework or github.com/gjy3035/GCC-SFCN.
            trained_on: The data set: ``"gcc"``, ``"qnrf"``, ``"sha"`` or ``"shb"``.

        Returns:
            The model in ``eval()``.

        Raises:
            DataError: If the file is unreadable, or a tensor is missing, unexpected or of another shape.
            UnknownNameError: If ``trained_on`` is not one of these.
        """
        mean, std = mean_std(trained_on)
        model = cls(mean=mean, std=std, output="relu", expansion=LOG_PARA)
        load_exact(model, read_published(path, prefixes=PREFIXES), path=path, rename=_published_name)
        return model.eval()

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate density maps.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/8 \rceil, \lceil W/8 \rceil)`.
        """
        (x,) = self.encoder(images)
        linear = self.density(self.columns(self.rows(self.back(x))))
        density = to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)
        return Prediction(crop(density, images.shape[-2:], self.stride))


_PUBLISHED = {
    "encoder.conv1.": "frontend.0.",
    "encoder.bn1.": "frontend.1.",
    "encoder.layer1.": "frontend.4.",
    "encoder.layer2.": "frontend.5.",
    "encoder.layer3.": "own_reslayer_3.",
    "back.": "backend.",
    "rows.conv.": "convDU.conv.0.",
    "columns.conv.": "convLR.conv.0.",
    "density.": "output_layer.0.",
}


def _published_name(key: str) -> str:
    for ours, theirs in _PUBLISHED.items():
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    return key
