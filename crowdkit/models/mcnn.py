"""MCNN: three columns of convolutions with large, medium and small kernels."""

from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor, nn

from crowdkit.errors import DTypeError, check_choice
from crowdkit.layers import Normalize
from crowdkit.models._init_weights import INITS, Init, init_weights
from crowdkit.models._output import Output, check_output, to_density
from crowdkit.models._ragged_sizes import EDGES, Edges, fit_density, fit_images
from crowdkit.models.base import CrowdModel
from crowdkit.models.published import load_exact, read_published
from crowdkit.prediction import Prediction

Pixels = Literal["normalized", "raw"]
PIXELS = ("normalized", "raw")

# Kernel of the first convolution, kernel of the others, channels.
_COLUMNS = ((9, 7, (16, 32, 16, 8)), (7, 5, (20, 40, 20, 10)), (5, 3, (24, 48, 24, 12)))
# Indices of a column's convolutions: ours, and in files where a convolution contains its own ReLU.
_PLACES = {0: 0, 3: 2, 6: 4, 8: 5}


class MCNN(CrowdModel):
    r"""Multi-column Convolutional Neural Network (MCNN), of stride 4.

    Three columns see the image through kernels of different sizes, for heads of different sizes; a 1x1
    convolution joins their 8 + 10 + 12 channels.

    Args:
        gray: Use one channel, the image's luma, as the paper does: 127,953 parameters. With three channels there
            are 133,705.
        pixels: ``"normalized"``: normalize by the ImageNet mean and standard deviation (of the luma for ``gray``).
            ``"raw"``: whole numbers from 0 to 255, as released weights expect.
        edges: For sides not divisible by 4: ``"pad"`` pads with zeros, ``"resize"`` resizes the image down to
            multiples as the original does and maps the result back onto the image, ``"drop"`` leaves out the
            remainder.
        output: ``"softplus"``, ``"abs"``, ``"relu"`` (the original's) or ``"identity"``.
        expansion: Factor :math:`e` on people per pixel in the network's output :math:`\phi(z)`: a cell of
            16 pixels has :math:`16 \phi(z) / e` people.
        init: ``"kaiming"``, or ``"normal"``: N(0, 0.01), as in the original. Biases are 0 and the last layer is
            always N(0, 0.01).

    Raises:
        UnknownNameError: If a choice is not one of those listed.
        ArgumentError: If ``expansion`` is not above 0.
        DTypeError: If ``gray`` is not a boolean.

    References:
        Zhang, Zhou, Chen, Gao and Ma. *Single-Image Crowd Counting via Multi-Column Convolutional Neural
        Network*. CVPR 2016, figure 2.

    Examples:
        >>> import torch
        >>> model = MCNN().eval()
        >>> model(torch.rand(1, 3, 50, 70)).density.shape
        torch.Size([1, 1, 13, 18])
    """

    name = "mcnn"
    stride = 4

    def __init__(
        self,
        *,
        gray: bool = False,
        pixels: Pixels = "normalized",
        edges: Edges = "pad",
        output: Output = "softplus",
        expansion: float = 2000.0,
        init: Init = "kaiming",
    ) -> None:
        super().__init__()
        if not isinstance(gray, bool):
            raise DTypeError(f"gray: expected True or False, got {gray!r}")
        check_choice("pixels", pixels, PIXELS)
        check_choice("edges", edges, EDGES)
        check_choice("init", init, INITS)
        check_output(output, expansion)
        self.gray = gray
        self.pixels = pixels
        self.edges: Edges = edges
        self.output: Output = output
        self.expansion = expansion
        self.normalize = _normalize(pixels, gray=gray)
        self.columns = nn.ModuleList(_column(1 if gray else 3, *column) for column in _COLUMNS)
        self.fuse = nn.Conv2d(sum(channels[-1] for _, _, channels in _COLUMNS), 1, kernel_size=1)
        init_weights([self.columns, self.fuse], heads=[self.fuse], init=init)

    def forward(self, images: Tensor) -> Prediction:
        r"""Estimate a density map.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            A prediction whose ``density`` is :math:`(B, 1, \lceil H/4 \rceil, \lceil W/4 \rceil)`.
        """
        size = images.shape[-2:]
        x = self._whole(self.normalize(images))
        if self.gray:
            x = self._whole(_luma(x))
        x = self._whole(fit_images(x, self.stride, edges=self.edges))
        # A graph leaves the memory layout to its runtime.
        if x.device.type == "cpu" and not torch.compiler.is_exporting():
            x = _channels_last(x)
        linear = self.fuse(torch.cat([column(x) for column in self.columns], dim=1))
        density = to_density(linear, output=self.output, expansion=self.expansion, stride=self.stride)
        return Prediction(fit_density(density, size, stride=self.stride, edges=self.edges))

    def _whole(self, x: Tensor) -> Tensor:
        # Rounded as in an 8-bit image: otherwise the count of released weights is off by up to 0.3 %.
        return (x + 0.5).floor() if self.pixels == "raw" else x

    @classmethod
    def load_published(cls, path: str | Path) -> Self:
        """Load released weights and count as their authors' code does.

        Two layouts are supported. ``DME.branch1.0.conv.weight`` and ``branch1.0.conv.weight``: one gray channel, ReLU
        at the end. ``branch1.0.weight``: RGB, no activation at the end. Both take pixels from 0 to 255 and resize the
        sides down to multiples of 4.

        Args:
            path: An ``.h5``, ``.pth``, ``.npz`` or ``.safetensors`` file.

        Returns:
            The model in ``eval()``, on the CPU.

        Raises:
            DataError: If the file is unreadable or its tensors do not fit; the message lists them.
            MissingDependencyError: If the file is HDF5 and h5py does not import.

        References:
            github.com/svishwa/crowdcount-mcnn and github.com/CommissarMa/MCNN-pytorch.
        """
        state = read_published(path, prefixes=("DME.",))
        own_relu = "branch1.0.weight" not in state
        first = state.get("branch1.0.conv.weight" if own_relu else "branch1.0.weight")
        model = cls(
            gray=first is None or first.shape[1:2] == (1,),
            pixels="raw",
            edges="resize",
            output="relu" if own_relu else "identity",
            expansion=float(cls.stride**2),
        )

        def rename(key: str) -> str:
            conv = ".conv" if own_relu else ""
            if key.startswith("fuse."):
                return f"fuse.0{conv}.{key.removeprefix('fuse.')}"
            _, column, place, kind = key.split(".")
            index = _PLACES[int(place)] if own_relu else int(place)
            return f"branch{int(column) + 1}.{index}{conv}.{kind}"

        load_exact(model, state, path=path, rename=rename)
        return model.eval()


def _normalize(pixels: Pixels, *, gray: bool) -> Normalize:
    if pixels == "raw":
        return Normalize((0.0,) * 3, (1 / 255,) * 3)
    if gray:
        # Luma is a weighted mean of the channels, so that one mean and deviation for all three is exact for it.
        return Normalize((0.459,) * 3, (0.226,) * 3)
    return Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _luma(images: Tensor) -> Tensor:
    """Weight red, green and blue as JPEG does (ITU-R BT.601), to the 16 bits that Pillow uses."""
    red, green, blue = images.unbind(dim=1)
    return ((19595 * red + 38470 * green + 7471 * blue) / 65536)[:, None]


def _channels_last(x: Tensor) -> Tensor:
    # Up to twice as fast for poolings and large kernels. `contiguous` would leave a single channel as it is.
    return x.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format).permute(0, 3, 1, 2)


def _column(inputs: int, first: int, other: int, channels: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, width in enumerate(channels):
        kernel = other if index else first
        layers += [nn.Conv2d(inputs, width, kernel_size=kernel, padding=kernel // 2)]
        # The order of pooling and ReLU does not change the result; after pooling, ReLU has a quarter of the work.
        layers += [nn.MaxPool2d(2), nn.ReLU()] if index < 2 else [nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers)
