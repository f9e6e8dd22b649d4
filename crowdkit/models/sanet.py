"""SANet: parallel kernel sizes, instance norm, density at full resolution."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.layers import Normalize
from crowdkit.models._c3 import LOG_PARA, PREFIXES, mean_std
from crowdkit.models._encoders import crop
from crowdkit.models._init_weights import init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models.base import CrowdModel
from crowdkit.models.published import load_exact, read_published
from crowdkit.ops import pad_to_multiple
from crowdkit.prediction import Prediction

_DEEPEST = 8


class _Convolution(nn.Module):
    """A convolution without bias, instance norm and ReLU; ``transposed``: a 2x2 one that doubles the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, transposed: bool = False) -> None:
        super().__init__()
        self.conv: nn.Conv2d | nn.ConvTranspose2d = (
            nn.ConvTranspose2d(inputs, outputs, kernel, stride=kernel, bias=False)
            if transposed
            else nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        )
        self.norm = nn.InstanceNorm2d(outputs, affine=True)
        nn.init.normal_(self.conv.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class _Aggregation(nn.Module):
    """Scale aggregation: parallel kernels of 1, 3, 5 and 7, each but the first behind a 1x1 reduction."""

    def __init__(self, inputs: int, outputs: int, *, reduce: bool) -> None:
        super().__init__()
        width = outputs // 4
        self.branches = nn.ModuleList()
        for kernel in (1, 3, 5, 7):
            if reduce and kernel > 1:
                steps = [_Convolution(inputs, 2 * width, 1), _Convolution(2 * width, width, kernel)]
            else:
                steps = [_Convolution(inputs, width, kernel)]
            self.branches.append(nn.Sequential(*steps))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class SANet(CrowdModel):
    """Scale Aggregation Network (SANet), as the C3 framework builds it.

    Four scale aggregation modules (64, 128, 128, 128 channels) with pooling between them; a decoder
    C(64,9)-T(64)-C(32,7)-T(32)-C(16,5)-T(16)-C(16,3)-C(1,1) whose transposed convolutions T double the size. Every
    layer but the last has instance norm: an image does not depend on the others in its batch, but every cell depends
    on the whole image. Density at stride 1.

    An image whose deepest map would be a single cell is padded to 16 x 16 pixels, because a single value has no
    variance.

    Args:
        mean: Mean of each channel, for values in [0, 1].
        std: Standard deviation of each channel.
        output: ``"softplus"``, ``"abs"``, ``"relu"`` (the original's), or ``"identity"``, which may be negative.
        expansion: Factor on people per pixel in the network's output, as in :class:`CFANet`.

    References:
        Cao, Wang, Zhao and Su. *Scale Aggregation Network for Accurate and Efficient Crowd Counting*. ECCV
        2018, section 3.

    Examples:
        >>> import torch
        >>> model = SANet().eval()
        >>> with torch.no_grad():
        ...     model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 50, 70])
    """

    name = "sanet"
    stride = 1

    def __init__(
        self,
        *,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        output: Output = "softplus",
        expansion: float = 2000.0,
    ) -> None:
        super().__init__()
        check_output(output, expansion)
        self.output: Output = output
        self.expansion = expansion
        self.normalize = Normalize(mean, std)
        self.encoder = nn.ModuleList(
            [
                _Aggregation(3, 64, reduce=False),
                _Aggregation(64, 128, reduce=True),
                _Aggregation(128, 128, reduce=True),
                _Aggregation(128, 128, reduce=True),
            ]
        )
        self.decoder = nn.Sequential(
            _Convolution(128, 64, 9),
            _Convolution(64, 64, 2, transposed=True),
            _Convolution(64, 32, 7),
            _Convolution(32, 32, 2, transposed=True),
            _Convolution(32, 16, 5),
            _Convolution(16, 16, 2, transposed=True),
            _Convolution(16, 16, 3),
        )
        self.density = nn.Conv2d(16, 1, kernel_size=1)
        init_weights((self.density,), heads=(), init="normal")

    @classmethod
    def load_published(cls, path: str | Path, *, trained_on: str = "gcc") -> Self:
        """Load a checkpoint of the C3 framework, with its normalization and output.

        The checkpoint's output is 100 per person, after a ReLU, and its input is normalized by the mean and standard
        deviation of its training data set, which the file does not hold. For sides divisible by 8 the map equals the
        original's; otherwise the original drops the last rows and columns in its poolings, while this model pads the
        image with zeros.

        Args:
            path: A checkpoint of github.com/gjy3035/C-3-Framework.
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
            A prediction whose ``density`` is :math:`(B, 1, H, W)`.
        """
        size = images.shape[-2:]
        x = self.normalize(images)
        x = pad_to_multiple(x, _DEEPEST if max(size) > _DEEPEST else 2 * _DEEPEST)
        for index, module in enumerate(self.encoder):
            x = module(x if index == 0 else F.max_pool2d(x, 2))
        linear = self.density(self.decoder(x))
        density = to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)
        return Prediction(crop(density, size, self.stride))


def _published_name(key: str) -> str:
    part, *rest = key.split(".")
    if part == "density":
        return ".".join(["decoder.8.conv", *rest])
    *place, layer, what = rest
    if part == "decoder":
        transposed = int(place[0]) % 2 == 1
        return ".".join(
            ["decoder", *place, "bn" if layer == "norm" else "tconv" if transposed else "conv", what]
        )
    module, _, branch, step = place
    side = 2 * int(branch) + 1
    # Only a reduction and what follows it are numbered: the first module and the kernel of 1 have none.
    steps = [] if module == "0" or side == 1 else [step]
    layer = "bn" if layer == "norm" else "conv"
    return ".".join(["encoder", str(2 * int(module)), f"branch{side}x{side}", *steps, layer, what])
