"""The two attention branches: Crowd Region Recognizer and Density Level Estimator."""

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.ops import by_rows, check_levels, check_stride, upsampled_conv2d


class _AttentionBranch(nn.Module):
    """Per stage, a 3x3 convolution with ReLU and a 3x3 head; x2 upsampling between stages."""

    def __init__(
        self, in_channels: int, widths: Sequence[int], out_channels: int, *, dilation: int = 1
    ) -> None:
        super().__init__()
        if not widths:
            raise ArgumentError("widths: expected at least one stage, got none")
        inputs = [in_channels, *widths[:-1]]
        self.stages = nn.ModuleList(
            nn.Conv2d(i, o, kernel_size=3, padding=dilation, dilation=dilation)
            for i, o in zip(inputs, widths, strict=True)
        )
        self.heads = nn.ModuleList(nn.Conv2d(o, out_channels, kernel_size=3, padding=1) for o in widths)
        self.widths = tuple(widths)
        self.dilation = dilation

    def forward(self, features: Tensor) -> list[Tensor]:
        logits = []
        last = len(self.stages) - 1
        for index, width in enumerate(self.widths):
            stage = partial(self._stage, index, keep=index < last)
            scale = 1 if index == 0 else 2
            logit, *above = by_rows(stage, [features], halo=self.dilation + 1, channels=width, scale=scale)
            logits.append(logit)
            features = above[0] if above else features
        return logits

    def _stage(self, index: int, features: Tensor, *, keep: bool) -> tuple[Tensor, ...]:
        """Return the logits of a stage, and its feature if the next stage needs it."""
        weight = self.stages.get_parameter(f"{index}.weight")
        bias = self.stages.get_parameter(f"{index}.bias")
        if index == 0:
            features = F.conv2d(features, weight, bias, padding=self.dilation, dilation=self.dilation)
        else:
            features = upsampled_conv2d(features, weight, bias, dilation=self.dilation)
        features = F.relu(features, inplace=True)
        logit = self.heads[index](features)
        return (logit, features) if keep else (logit,)


class CRR(_AttentionBranch):
    """Crowd Region Recognizer (CRR): the coarse attention map (CAM) at every stage.

    C(256,3)-U-C(128,3)-U-C(128,3)-U-C(64,3), and a C(1,3) head at each of the four stages.

    Args:
        in_channels: Channels of the deepest encoder feature.
        widths: Channels of each stage, coarse to fine; each stage doubles the size.
        dilation: Dilation of the stage convolutions; the authors' code has 2.

    Raises:
        ArgumentError: If ``widths`` is empty or ``dilation`` < 1.

    References:
        The CFANet paper, section 3.2 and figure 2.

    Examples:
        >>> import torch
        >>> [tuple(logit.shape) for logit in CRR(32, widths=(16, 8))(torch.rand(2, 32, 4, 5))]
        [(2, 1, 4, 5), (2, 1, 8, 10)]
    """

    def __init__(
        self, in_channels: int, *, widths: Sequence[int] = (256, 128, 128, 64), dilation: int = 1
    ) -> None:
        check_stride(dilation, name="dilation")
        super().__init__(in_channels, widths, out_channels=1, dilation=dilation)

    def forward(self, features: Tensor) -> list[Tensor]:
        """Estimate the crowd region.

        Args:
            features: The deepest encoder feature, shape :math:`(B, C, h, w)`.

        Returns:
            CAM logits coarse to fine, stage i of shape :math:`(B, 1, 2^i h, 2^i w)`.
        """
        return super().forward(features)


class DLE(_AttentionBranch):
    """Density Level Estimator (DLE): the fine attention map (FAM) at every stage.

    C(256,3)-U-C(256,3)-U-C(128,3)-U-C(64,3), and a C(k,3) head at each of the four stages.

    Args:
        in_channels: Channels of the deepest encoder feature.
        levels: Number of density classes k, the background included.
        widths: Channels of each stage, coarse to fine; each stage doubles the size.

    Raises:
        ArgumentError: If ``widths`` is empty or ``levels`` < 2.

    References:
        The CFANet paper, section 3.3 and figure 2.

    Examples:
        >>> import torch
        >>> [tuple(logit.shape) for logit in DLE(32, levels=4, widths=(16, 8))(torch.rand(2, 32, 4, 5))]
        [(2, 4, 4, 5), (2, 4, 8, 10)]
    """

    def __init__(
        self, in_channels: int, *, levels: int = 6, widths: Sequence[int] = (256, 256, 128, 64)
    ) -> None:
        check_levels(levels)
        super().__init__(in_channels, widths, out_channels=levels)

    def forward(self, features: Tensor) -> list[Tensor]:
        """Estimate the density level.

        Args:
            features: The deepest encoder feature, shape :math:`(B, C, h, w)`.

        Returns:
            FAM logits coarse to fine, stage i of shape :math:`(B, k, 2^i h, 2^i w)`.
        """
        return super().forward(features)
