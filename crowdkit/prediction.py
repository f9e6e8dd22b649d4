"""The one type that every model returns."""

from typing import NamedTuple

from torch import Tensor

from crowdkit import _guard as _guard
from crowdkit.ops import count


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

    Examples:
        >>> import torch
        >>> Prediction(torch.ones(2, 1, 3, 4)).count
        tensor([12., 12.])
    """

    density: Tensor
    stages: tuple[Tensor, ...] = ()
    region: tuple[Tensor, ...] = ()
    level: tuple[Tensor, ...] = ()

    # A tuple's own count() looks for an element; a count of people is what a user expects here.
    @property
    def count(self) -> Tensor:  # type: ignore[override]
        """People in each image, ``density`` summed in float32, shape :math:`(B,)`."""
        return count(self.density)
