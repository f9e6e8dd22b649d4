"""EfficientNet-Lite as an encoder."""

import math
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, DataError, check_choice
from crowdkit.layers._checkpoint import without_shared_prefix
from crowdkit.layers.encoder import Normalize, read_weights
from crowdkit.ops import pad_to_multiple

# Kernel and stride of each group of blocks; all groups but the first expand channels six times.
_KERNELS = (3, 3, 5, 3, 5, 5, 3)
_STEPS = (1, 2, 2, 2, 1, 2, 1)
# Channels and blocks of each group, by size.
_SIZES = {
    "lite0": ((16, 1), (24, 2), (40, 2), (80, 3), (112, 3), (192, 4), (320, 1)),
    "lite2": ((16, 1), (24, 3), (48, 3), (88, 4), (120, 4), (208, 5), (352, 1)),
}
_STEM = 32


class EfficientNetLiteEncoder(nn.Module):
    """EfficientNet-Lite without its head: features coarse to fine, for images of any size.

    Equal to timm's ``tf_efficientnet_lite0`` or ``lite2`` to the last bit, with the same keys, but does not import
    timm, which takes longer than counting a photograph. Images are padded right and bottom with zeros, after
    normalization, to a multiple of 32.

    Args:
        weights: ``None`` for random weights, ``"imagenet"`` to download timm's pretrained weights, or a path to a
            file with timm's keys (those of the classifier are ignored).
        size: ``"lite0"``, or ``"lite2"``, which costs 1.6 times as much.
        strides: Strides to return, coarse to fine, among 32, 16, 8, 4 and 2; ``None`` returns all.

    Raises:
        UnknownNameError: If there is no such size.
        ArgumentError: If the strides are not a descending selection of those.
        DataError: If the file lacks a layer or a shape differs; the message lists them.
        MissingDependencyError: If timm does not import, for ``"imagenet"``.

    References:
        Tan and Le. *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*. ICML 2019. Lite omits
        squeeze-and-excitation and uses ReLU6.

    Examples:
        >>> import torch
        >>> encoder = EfficientNetLiteEncoder(strides=(8, 4))
        >>> encoder.channels, [tuple(f.shape) for f in encoder(torch.rand(1, 3, 30, 41))]
        ((40, 24), [(1, 40, 4, 8), (1, 24, 8, 16)])
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        size: str = "lite0",
        strides: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        check_choice("size", size, _SIZES)
        groups, ends = _SIZES[size], _ends()
        wanted = tuple(ends) if strides is None else tuple(strides)
        if not set(wanted) <= set(ends) or list(wanted) != sorted(set(wanted), reverse=True) or not wanted:
            raise ArgumentError(f"strides: expected descending ones among {tuple(ends)}, got {wanted}")
        self.strides = wanted
        self.channels = tuple(groups[ends[stride]][0] for stride in wanted)
        self.normalize = Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        self.network = _Network(groups[: ends[wanted[0]] + 1])
        self._taken = [ends[stride] for stride in wanted]
        if weights is not None:
            self._load(
                size, _imagenet(size) if weights == "imagenet" else read_weights(weights), str(weights)
            )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Extract features.

        Args:
            images: RGB in [0, 1], shape :math:`(B, 3, H, W)`, any size.

        Returns:
            Features coarse to fine, at ``strides`` of the padded image.
        """
        features = self.network(pad_to_multiple(self.normalize(images), 32))
        return [features[group] for group in self._taken]

    def _load(self, size: str, state: dict[str, Tensor], source: str) -> None:
        own = self.network.state_dict()
        state = without_shared_prefix(state, own)
        wrong = [key for key in own if key not in state or state[key].shape != own[key].shape]
        if wrong:
            listed = ", ".join(wrong[:8]) + (", ..." if len(wrong) > 8 else "")
            raise DataError(
                f"weights: expected timm's tf_efficientnet_{size}, got {source} without a fitting {listed} "
                f"({len(wrong)} of {len(own)} tensors)"
            )
        self.network.load_state_dict({key: state[key] for key in own})


class _Network(nn.Module):
    def __init__(self, groups: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.conv_stem = _Convolution(3, _STEM, 3, stride=2)
        self.bn1 = _norm(_STEM)
        self.act = nn.ReLU6(inplace=True)
        self.blocks = nn.Sequential()
        width = _STEM
        for number, (out, blocks) in enumerate(groups):
            kernel, stride = _KERNELS[number], _STEPS[number]
            block = _Separable if number == 0 else _Inverted
            widths = [width, *[out] * (blocks - 1)]
            strides = [stride, *[1] * (blocks - 1)]
            self.blocks.append(
                nn.Sequential(
                    *(block(w, out, kernel, stride=s) for w, s in zip(widths, strides, strict=True))
                )
            )
            width = out

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.act(self.bn1(self.conv_stem(x)))
        features = []
        for group in self.blocks:
            x = group(x)
            features.append(x)
        return features


class _Separable(nn.Module):
    """A depthwise convolution, then a pointwise one."""

    def __init__(self, channels: int, out: int, kernel: int, *, stride: int) -> None:
        super().__init__()
        self.conv_dw = _Convolution(channels, channels, kernel, stride=stride, groups=channels)
        self.bn1 = _norm(channels)
        self.act = nn.ReLU6(inplace=True)
        self.conv_pw = _Convolution(channels, out, 1)
        self.bn2 = _norm(out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.bn1(self.conv_dw(x)))
        mixed: Tensor = self.bn2(self.conv_pw(x))
        return mixed


class _Inverted(nn.Module):
    """Expand the channels, convolve depthwise, project; with a residual connection where the shape stays."""

    def __init__(self, channels: int, out: int, kernel: int, *, stride: int) -> None:
        super().__init__()
        wide = 6 * channels
        self.conv_pw = _Convolution(channels, wide, 1)
        self.bn1 = _norm(wide)
        self.conv_dw = _Convolution(wide, wide, kernel, stride=stride, groups=wide)
        self.bn2 = _norm(wide)
        self.conv_pwl = _Convolution(wide, out, 1)
        self.bn3 = _norm(out)
        self.act = nn.ReLU6(inplace=True)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        inside = self.act(self.bn1(self.conv_pw(x)))
        inside = self.act(self.bn2(self.conv_dw(inside)))
        y: Tensor = self.bn3(self.conv_pwl(inside))
        return y + x if self.residual else y


class _Convolution(nn.Conv2d):
    """A convolution without bias with TensorFlow's padding, for sides divisible by its stride."""

    def __init__(self, channels: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        padding = 0 if stride > 1 else kernel // 2
        super().__init__(channels, out, kernel, stride=stride, padding=padding, groups=groups, bias=False)
        around = kernel - stride
        self._around = (around // 2, around - around // 2) * 2 if stride > 1 else None

    def reset_parameters(self) -> None:
        """Initialize as in the paper."""
        fan_out = self.kernel_size[0] * self.kernel_size[1] * self.out_channels // self.groups
        nn.init.normal_(self.weight, std=math.sqrt(2 / fan_out))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the parent's name)
        return super().forward(input if self._around is None else F.pad(input, self._around))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _ends() -> dict[int, int]:
    """The last group of blocks at each stride, keyed by stride, coarse to fine."""
    ends, stride = {}, 2
    for number, step in enumerate(_STEPS):
        stride *= step
        ends[stride] = number
    return dict(sorted(ends.items(), reverse=True))


def _imagenet(size: str) -> dict[str, Tensor]:
    from crowdkit.layers.timm_encoder import TimmEncoder

    return TimmEncoder(f"tf_efficientnet_{size}", weights="imagenet").network.state_dict()
