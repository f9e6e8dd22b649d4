"""The head of EBC-ZIP: the count of each block as a zero-inflated Poisson distribution."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.ops import check_bins, upsample
from crowdkit.prediction import BlockCounts


class ZIPHead(nn.Module):
    r"""Zero-inflated Poisson (ZIP) head: two 1 x 1 convolutions, one for empty blocks, one for bins of counts.

    .. math:: \pi = \mathrm{softmax}(z), \quad \lambda = \sum_k \mathrm{softmax}(b)_k a_k, \quad
        \hat D = (1 - \pi_0) \lambda

    A block is a cell of the features. Its count is 0 with probability :math:`\pi_0`, otherwise Poisson with rate
    :math:`\lambda`, a mean of the bins' centers :math:`a_k`: no block can hold more people than the last center, so
    bins are specific to a stride and a data set.

    Args:
        in_channels: Channels of the features.
        bins: The first count of each bin; a bin ends before the next one, the last is unbounded. The default is
            EBC's for blocks of 8 pixels; ``(1, 2, 3, 4, 5, 6, 7, 8)`` are its "fine" bins for 16.
        centers: The rate of each bin :math:`a_k`; ``None`` for the middle of each bin and the first count of the
            last. The mean count of a training set's blocks in each bin, which EBC calls "average", is better: it
            moves the last center, for 8 pixels to 4.30 on ShanghaiTech A, 4.41 on B and 4.22 on UCF-QNRF.

    Raises:
        ArgumentError: If ``bins`` does not rise from 1, or ``centers`` is not one number > 0 per bin.

    References:
        Ma, Sanchez and Guha. *ZIP: Scalable Crowd Counting via Zero-Inflated Poisson Modeling*. 2025
        (arXiv 2506.19955); *CLIP-EBC*, 2024, and its ``configs/reduction_8.json`` for bins and averages.

    Examples:
        >>> import torch
        >>> counts = ZIPHead(32)(torch.rand(2, 32, 6, 7))
        >>> [tuple(each.shape) for each in counts]
        [(2, 2, 6, 7), (2, 4, 6, 7), (2, 1, 6, 7), (2, 1, 6, 7)]
        >>> bool((counts.density < counts.rate).all())
        True
    """

    _centers: Tensor

    def __init__(
        self, in_channels: int, *, bins: Sequence[int] = (1, 2, 3, 4), centers: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        check_bins(bins)
        self.bins = tuple(bins)
        if centers is None:
            centers = [*((low + high - 1) / 2 for low, high in pairwise(bins)), float(bins[-1])]
        if len(centers) != len(bins) or not all(isfinite(each) and each > 0 for each in centers):
            raise ArgumentError(
                f"centers: expected one number > 0 for each of {len(bins)} bins, got {tuple(centers)}"
            )
        self.centers = tuple(float(each) for each in centers)
        self.zero = nn.Conv2d(in_channels, 2, kernel_size=1)
        self.bin = nn.Conv2d(in_channels, len(bins), kernel_size=1)
        self.register_buffer("_centers", torch.tensor(self.centers).view(-1, 1, 1), persistent=False)

    def forward(self, features: Tensor) -> BlockCounts:
        """Estimate the count of every block.

        Args:
            features: Shape :math:`(B, C, h, w)`.

        Returns:
            The logits, the rate and the density.
        """
        zero, bins = self.zero(features), self.bin(features)
        if zero.dtype != torch.float64:
            zero, bins = zero.float(), bins.float()
        rate = (bins.softmax(dim=1) * self._centers).sum(dim=1, keepdim=True)
        return BlockCounts(zero, bins, rate, zero.softmax(dim=1)[:, 1:] * rate)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"bins={self.bins}, centers={self.centers}"


class BlockBranch(nn.Module):
    """Count the people of each block from an encoder's two deepest features with a :class:`ZIPHead`.

    The deepest feature is upsampled to the size of the next one and concatenated to it; two 3 x 3 convolutions see
    some hundred pixels around a block before the head. Each of these convolutions is followed by a ReLU.

    Args:
        deep_channels: Channels of the deepest feature.
        channels: Channels of the next one, at twice its size.
        width: Channels of the convolutions between them and the head.
        bins: The head's bins.

    Examples:
        >>> import torch
        >>> branch = BlockBranch(320, 112, bins=(1, 2, 4))
        >>> branch(torch.rand(1, 320, 2, 3), torch.rand(1, 112, 4, 6)).density.shape
        torch.Size([1, 1, 4, 6])
    """

    def __init__(
        self, deep_channels: int, channels: int, *, width: int = 160, bins: Sequence[int] = (1, 2, 3, 4)
    ) -> None:
        super().__init__()
        self.deep = nn.Conv2d(deep_channels, width, kernel_size=1)
        self.join = nn.Conv2d(width + channels, width, kernel_size=3, padding=1)
        self.mix = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.head = ZIPHead(width, bins=bins)

    def forward(self, deep: Tensor, feature: Tensor) -> BlockCounts:
        """Estimate the count of every block.

        Args:
            deep: The deepest feature, shape :math:`(B, C, h, w)`.
            feature: The next one, shape :math:`(B, C', 2h, 2w)`.

        Returns:
            The head's output for 2h x 2w blocks.
        """
        context = upsample(F.relu(self.deep(deep)), 2)
        x = F.relu(self.join(torch.cat([context, feature], dim=1)))
        counts: BlockCounts = self.head(F.relu(self.mix(x)))
        return counts
