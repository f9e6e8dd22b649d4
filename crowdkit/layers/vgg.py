"""The VGG encoders that most crowd-counting networks build on."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from crowdkit.errors import ArgumentError, DataError
from crowdkit.layers._checkpoint import without_shared_prefix
from crowdkit.layers.encoder import Normalize, read_weights
from crowdkit.ops import by_rows, pad_to_multiple


class _VGGEncoder(nn.Module):
    """Stages of 3x3 convolutions with pooling between them, up to the deepest requested stride."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    _called: ClassVar[str]
    _stages: ClassVar[tuple[tuple[int, ...], ...]]

    def __init__(self, weights: str | Path | None, strides: Sequence[int], *, pad: bool) -> None:
        super().__init__()
        known = [2**index for index in range(len(self._stages))]
        if not strides or list(strides) != sorted(set(strides) & set(known), reverse=True):
            raise ArgumentError(
                f"strides: expected descending ones among {known[::-1]} for {self._called}, got {tuple(strides)}"
            )
        self.strides = tuple(strides)
        self.pad = pad
        self.channels = tuple(self._stages[known.index(stride)][-1] for stride in strides)
        self.normalize = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        layers: list[nn.Module] = []
        self._ends = []
        self._parts: list[tuple[int, int, int]] = []
        inputs = 3
        for stride, widths in zip(known, self._stages, strict=True):
            if stride > strides[0]:
                break
            if stride > 1:
                layers.append(nn.MaxPool2d(2))
            begin = len(layers)
            for width in widths:
                layers += [nn.Conv2d(inputs, width, kernel_size=3, padding=1), nn.ReLU(inplace=True)]
                inputs = width
            self._parts.append((begin, len(layers), inputs))
            if stride in strides:
                self._ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        if weights is None:
            self._start()
        else:
            self._load(self._imagenet() if weights == "imagenet" else read_weights(weights), str(weights))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Extract features.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            Features coarse to fine, at ``strides`` of the padded image.
        """
        x, multiple = self.normalize(images), self.strides[0]
        if self.pad:
            x = pad_to_multiple(x, multiple)
        else:
            below, beyond = (max(0, multiple - side) for side in x.shape[-2:])
            x = F.pad(x, (0, beyond, 0, below))
        features = []
        for begin, end, channels in self._parts:
            stage = partial(self._stage, begin, end, channels)
            if begin == 0 and torch.is_grad_enabled():
                # Its maps are the largest and its operations few: recomputed for the gradient.
                feature, x = checkpoint(stage, x, use_reentrant=False, preserve_rng_state=False)
            else:
                feature, x = stage(x)
            if end - 1 in self._ends:
                features.append(feature)
        return features[::-1]

    def _stage(self, begin: int, end: int, channels: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the feature of a stage, and the input of the next one."""
        convolutions = self.features[begin:end]
        halo = len(convolutions) // 2
        [x] = by_rows(lambda x: (convolutions(x),), [x], halo=halo, channels=channels)
        return x, self.features[end](x) if end < len(self.features) else x

    def _imagenet(self) -> dict[str, Tensor]:
        raise NotImplementedError

    def _start(self) -> None:
        # With PyTorch's default initialization a thousandth of the signal reaches the end.
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def _load(self, state: dict[str, Tensor], source: str) -> None:
        own = self.features.state_dict(prefix="features.")
        state = without_shared_prefix(state, own)
        wrong = [key for key in own if key not in state or state[key].shape != own[key].shape]
        if wrong:
            raise DataError(
                f"weights: expected {self._called} with torchvision's keys, got {source} without a fitting "
                f"{', '.join(wrong)}"
            )
        self.load_state_dict({key: state[key] for key in own})


class VGG16Encoder(_VGGEncoder):
    """The front of VGG-16: ten convolutions and three poolings, or thirteen and four.

    Keys are torchvision's (``features.0.weight`` ...). The encoder owns the ImageNet mean and standard deviation, and
    pads right and bottom with zeros, after normalization, to a multiple of its deepest stride.

    Args:
        weights: ``None`` for random Kaiming weights, ``"imagenet"`` to download torchvision's ImageNet weights, or a
            path to a ``.safetensors`` or ``.pth`` file with torchvision's keys (those of deeper layers are ignored).
        strides: Strides to return, coarse to fine, among 16, 8, 4, 2, 1. The network ends at the first.
        pad: Whether to pad. Without padding, the poolings drop the remainder at the right and bottom, as in most
            published networks; an image smaller than the deepest stride is padded in either case.

    Raises:
        ArgumentError: If ``strides`` are not a descending selection of the network's.
        DataError: If the file lacks a layer or a shape differs; the message lists them.

    References:
        Simonyan and Zisserman. *Very Deep Convolutional Networks*. ICLR 2015; the CFANet paper, section 3.1.

    Examples:
        >>> import torch
        >>> [tuple(f.shape) for f in VGG16Encoder()(torch.rand(1, 3, 30, 40))]
        [(1, 512, 4, 5), (1, 256, 8, 10), (1, 128, 16, 20), (1, 64, 32, 40)]
        >>> VGG16Encoder(strides=(16, 8)).channels
        (512, 512)
    """

    # Features at the strides that CFANet takes.
    channels = (512, 256, 128, 64)
    strides = (8, 4, 2, 1)
    _called = "VGG-16"
    _stages = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))

    def __init__(
        self, weights: str | Path | None = None, *, strides: Sequence[int] = (8, 4, 2, 1), pad: bool = True
    ) -> None:
        super().__init__(weights, strides, pad=pad)

    def _imagenet(self) -> dict[str, Tensor]:
        from torchvision.models import VGG16_Weights

        return _tensors(VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True))


class VGG19Encoder(_VGGEncoder):
    """The front of VGG-19: sixteen convolutions and four poolings.

    Keys are torchvision's. The encoder owns the ImageNet mean and standard deviation, and pads right and bottom with
    zeros, after normalization, to a multiple of its deepest stride.

    Args:
        weights: ``None`` for random Kaiming weights, ``"imagenet"`` to download torchvision's ImageNet weights, or a
            path to a file with torchvision's keys (those of deeper layers are ignored).
        strides: Strides to return, coarse to fine, among 16, 8, 4, 2, 1. The network ends at the first.
        pad: Whether to pad. Without padding, the poolings drop the remainder at the right and bottom, as in most
            published networks; an image smaller than the deepest stride is padded in either case.

    Raises:
        ArgumentError: If ``strides`` are not a descending selection of the network's.
        DataError: If the file lacks a layer or a shape differs; the message lists them.

    References:
        Simonyan and Zisserman. *Very Deep Convolutional Networks*. ICLR 2015.

    Examples:
        >>> import torch
        >>> [tuple(f.shape) for f in VGG19Encoder(strides=(16, 8))(torch.rand(1, 3, 30, 40))]
        [(1, 512, 2, 3), (1, 512, 4, 6)]
    """

    _called = "VGG-19"
    _stages = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        strides: Sequence[int] = (16, 8, 4, 2, 1),
        pad: bool = True,
    ) -> None:
        super().__init__(weights, strides, pad=pad)

    def _imagenet(self) -> dict[str, Tensor]:
        from torchvision.models import VGG19_Weights

        return _tensors(VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True))


def _tensors(state: object) -> dict[str, Tensor]:
    items = state.items() if isinstance(state, dict) else ()
    return {key: value for key, value in items if isinstance(value, torch.Tensor)}
