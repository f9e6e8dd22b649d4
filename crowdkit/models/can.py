"""CAN: CSRNet with multi-scale context."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import DTypeError, check_choice
from crowdkit.layers import VGG16Encoder
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models._ragged_sizes import fit_density
from crowdkit.models.base import CrowdModel
from crowdkit.models.csrnet import VGG_EDGES, WIDTHS, VGGEdges, dilated_column, original_name
from crowdkit.models.published import load_exact, read_published
from crowdkit.prediction import Prediction


class CAN(CrowdModel):
    r"""Context-Aware Network (CAN), of stride 8. 18,103,489 parameters.

    Between VGG-16's front and CSRNet's dilated convolutions, averages over grids of 1, 4, 9 and 36 parts of the
    image are concatenated to the features; each is weighted at every cell by how much it differs from the feature.

    Args:
        encoder_weights: ``None``, ``"imagenet"`` or a path with torchvision's VGG-16 keys; downloaded only if
            requested by name.
        batch_norm: Batch normalization in the dilated convolutions, as in the authors' code, which uses 26 crops
            per batch. The paper does not mention it; without it the network has 18,099,521 parameters.
        edges: For sides not divisible by 8: ``"pad"`` pads with zeros; ``"drop"`` leaves the remainder to the
            poolings as the original does, and counts no one there.
        output: ``"softplus"``, ``"abs"``, ``"relu"`` or ``"identity"`` (the original's: cells may be
            negative).
        expansion: Factor :math:`e` on people per pixel in the network's output :math:`\phi(z)`: a cell of
            64 pixels has :math:`64 \phi(z) / e` people.
        init: ``"kaiming"``, or ``"normal"``: N(0, 0.01) outside the encoder, as in the original. The last layer is
            always N(0, 0.01).

    Raises:
        UnknownNameError: If a choice is not one of those listed.
        ArgumentError: If ``expansion`` is not above 0.
        DTypeError: If ``batch_norm`` is not a boolean.
        DataError: If the encoder's file does not match.

    References:
        Liu, Salzmann and Fua. *Context-Aware Crowd Counting*. CVPR 2019, section 3.1.

    Examples:
        >>> import torch
        >>> model = CAN().eval()
        >>> model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 7, 9])
    """

    name = "can"
    stride = 8

    def __init__(
        self,
        *,
        encoder_weights: str | Path | None = None,
        batch_norm: bool = True,
        edges: VGGEdges = "pad",
        output: Output = "softplus",
        expansion: float = 2000.0,
        init: Init = "kaiming",
    ) -> None:
        super().__init__()
        if not isinstance(batch_norm, bool):
            raise DTypeError(f"batch_norm: expected True or False, got {batch_norm!r}")
        check_choice("edges", edges, VGG_EDGES)
        check_choice("init", init, INITS)
        check_output(output, expansion)
        self.output: Output = output
        self.expansion = expansion
        self.encoder = VGG16Encoder(encoder_weights, strides=(8,), pad=edges == "pad")
        channels = self.encoder.channels[0]
        self.context = _Context(channels)
        self.backend = dilated_column(channels, WIDTHS, dilation=2, batch_norm=batch_norm)
        self.head = nn.Conv2d(WIDTHS[-1], 1, kernel_size=1)
        init_weights([self.context, self.backend, self.head], heads=[self.head], init=init)

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate a density map.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/8 \rceil, \lceil W/8 \rceil)`.
        """
        linear = self.head(self.backend(self.context(self.encoder(images)[0])))
        density = to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)
        return Prediction(fit_density(density, images.shape[-2:], stride=self.stride, edges="drop"))

    @classmethod
    def load_published(cls, path: str | Path) -> Self:
        """Load released weights and count as their authors' network does.

        The keys are ``frontend.0.weight``, ``context.scales.0.1.weight``, ``backend.0.weight``,
        ``output_layer.weight`` ... The model drops incomplete cells and has no activation at its end. The authors' test
        counts the four quarters of an image separately and adds up the counts.

        Args:
            path: A ``.pth.tar``, ``.pth``, ``.npz``, ``.h5`` or ``.safetensors`` file.

        Returns:
            The model in ``eval()``, on the CPU.

        Raises:
            DataError: If the file is unreadable or its tensors do not fit; the message lists them.
            MissingDependencyError: If the file is HDF5 and h5py does not import.

        References:
            github.com/weizheliu/Context-Aware-Crowd-Counting.
        """
        model = cls(edges="drop", output="identity", expansion=float(cls.stride**2))
        load_exact(model, read_published(path), path=path, rename=original_name)
        return model.eval()


class _Context(nn.Module):
    r"""Concatenate features with averages at several scales, :math:`\sum_s w_s a_s / \sum_s w_s`.

    :math:`a_s` is a 1x1 convolution of the average over a grid, upsampled to the size of the features :math:`f`,
    and :math:`w_s = \sigma(W (f - a_s) + b)`, with one weight network for all scales.
    """

    def __init__(self, channels: int, sizes: Sequence[int] = (1, 2, 3, 6)) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            nn.Sequential(_GridMean(size), nn.Conv2d(channels, channels, kernel_size=1, bias=False))
            for size in sizes
        )
        self.weight_net = nn.Conv2d(channels, channels, kernel_size=1)
        self.bottleneck = nn.Conv2d(2 * channels, channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        size = features.shape[-2:]
        near = self.weight_net(features)
        averages, logits = [], []
        for scale in self.scales:
            grid = scale(features)
            averages.append(_enlarge(grid, size))
            # W (f - a) = W f - W a, and W commutes with the upsampling: this saves three of four large products.
            logits.append(near - _enlarge(F.conv2d(grid, self.weight_net.weight), size))
        # A softmax of log-sigmoids is sigmoids divided by their sum, but without 0 / 0 in half precision. The
        # log-sigmoid is a softplus because ONNX has none, and the logarithm of a sigmoid is limited to -88.
        weights = (-F.softplus(-torch.stack(logits))).softmax(dim=0)
        context = (weights * torch.stack(averages)).sum(dim=0)
        return F.relu(self.bottleneck(torch.cat([context, features], dim=1)))


class _GridMean(nn.Module):
    """Average over ``size`` x ``size`` parts, which overlap by one cell where the map is not divisible."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, features: Tensor) -> Tensor:
        if not torch.compiler.is_exporting():
            return F.adaptive_avg_pool2d(features, self.size)
        # For a map of any size torch exports this as gathers, whose indices onnxruntime finds out of range.
        down, across = (self._shares(cells, features) for cells in features.shape[-2:])
        return torch.einsum("bchw,ih,jw->bcij", features, down, across)

    def _shares(self, cells: int, like: Tensor) -> Tensor:
        part = torch.arange(self.size, device=like.device)[:, None]
        cell = torch.arange(cells, device=like.device)
        inside = (part * cells < (cell + 1) * self.size) & (cell * self.size < (part + 1) * cells)
        weight = inside.to(like.dtype)
        return weight / weight.sum(dim=1, keepdim=True)


def _enlarge(grid: Tensor, size: torch.Size) -> Tensor:
    # A grid has no stride: its cells depend on the image's size, and so does the upsampling.
    return F.interpolate(grid, size=size, mode="bilinear", align_corners=False)
