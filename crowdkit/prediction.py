"""The one type that every model returns."""

from typing import NamedTuple

from torch import Tensor

from crowdkit import _guard as _guard
from crowdkit.ops import count


class BlockCounts(NamedTuple):
    r"""What a :class:`~crowdkit.layers.ZIPHead` says about the blocks of a batch, all in float32 at least.

    Attributes:
        zero: Logits of an empty block and of one where people may be, shape :math:`(B, 2, h, w)`.
        bins: Logits of the bins of counts, shape :math:`(B, K, h, w)`.
        rate: People expected where people may be, :math:`\lambda`, shape :math:`(B, 1, h, w)`.
        density: People expected, :math:`(1 - \pi_0) \lambda`, in people per cell, shape :math:`(B, 1, h, w)`.
    """

    zero: Tensor
    bins: Tensor
    rate: Tensor
    density: Tensor


class Prediction(NamedTuple):
    """What a model says about a batch of images.

    Maps are in people per cell of the model's own stride, so that they sum to a count.

    Attributes:
        density: The estimated density map, shape :math:`(B, 1, h, w)`.
        stages: While training, the supervised density maps before the last, coarse to fine, each of the
            shape of ``density``; else empty.
        region: While training, the logits of the coarse attention maps (CAM), coarse to fine, each
            :math:`(B, 1, h_i, w_i)`; else empty.
        level: While training, the logits of the fine attention maps (FAM), coarse to fine, each
            :math:`(B, k, h_i, w_i)`; else empty.
        blocks: While training, what the model says about blocks, if it counts them; else ``None``.

    Examples:
        >>> import torch
        >>> Prediction(torch.ones(2, 1, 3, 4)).count
        tensor([12., 12.])
    """

    density: Tensor
    stages: tuple[Tensor, ...] = ()
    region: tuple[Tensor, ...] = ()
    level: tuple[Tensor, ...] = ()
    blocks: BlockCounts | None = None

    # A tuple's own count() looks for an element; a count of people is what a user expects here.
    @property
    def count(self) -> Tensor:  # type: ignore[override]
        """People in each image, ``density`` summed in float32, shape :math:`(B,)`."""
        return count(self.density)
