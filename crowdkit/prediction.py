"""The one type that every model returns."""

from typing import NamedTuple

from torch import Tensor

from crowdkit import _guard as _guard
from crowdkit.ops import count


class BlockCounts(NamedTuple):
    r"""The output of a :class:`~crowdkit.layers.ZIPHead` for the blocks of a batch, at least in float32.

    Attributes:
        zero: Logits of "the block is empty" and "the block may hold people", shape :math:`(B, 2, h, w)`.
        bins: Logits of the count bins, shape :math:`(B, K, h, w)`.
        rate: Expected people in a block that may hold people, :math:`\lambda`, shape :math:`(B, 1, h, w)`.
        density: Expected people, :math:`(1 - \pi_0) \lambda`, in people per cell, shape :math:`(B, 1, h, w)`.
    """

    zero: Tensor
    bins: Tensor
    rate: Tensor
    density: Tensor


class Prediction(NamedTuple):
    """The output of a model for a batch of images.

    Maps are in people per cell of the model's own stride, so that they sum to a count.

    Attributes:
        density: The estimated density map, shape :math:`(B, 1, h, w)`.
        stages: While training, the supervised density maps before the last one, coarse to fine, each with the
            shape of ``density``; otherwise empty.
        region: While training, the logits of the coarse attention maps (CAM), coarse to fine, each
            :math:`(B, 1, h_i, w_i)`; otherwise empty.
        level: While training, the logits of the fine attention maps (FAM), coarse to fine, each
            :math:`(B, k, h_i, w_i)`; otherwise empty.
        blocks: While training, the block outputs of a model that counts by blocks; otherwise ``None``.

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

    # tuple.count() searches for an element; users expect a count of people here.
    @property
    def count(self) -> Tensor:  # type: ignore[override]
        """The number of people in each image, ``density`` summed in float32, shape :math:`(B,)`."""
        return count(self.density)
