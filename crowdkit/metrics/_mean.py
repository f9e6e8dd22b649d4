"""The state that all metrics share: a sum over images and the number of images."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanOverImages(Metric):
    """Mean of per-image values over all images seen: float64, summed across processes.

    Args:
        options: Options of :class:`torchmetrics.Metric`, such as ``process_group``; anything else is an error.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    total: Tensor
    images: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("total", default=torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("images", default=torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def add(self, values: Tensor, kept: Tensor | None = None) -> None:
        """Add per-image values, shape (B,), of the images where ``kept`` is true."""
        if kept is None:
            self.total += values.double().sum()
            self.images += len(values)
        else:
            self.total += values.double().where(kept, 0).sum()
            self.images += kept.sum()

    def compute(self) -> Tensor:
        """Return the mean over all images so far, a float64 scalar; NaN if there were none."""
        return self.total / self.images


def mean_of_kept(values: Tensor, kept: Tensor) -> Tensor:
    """Average the values where ``kept`` is true, in float64; NaN if there are none."""
    return values.double().where(kept, 0).sum() / kept.sum()
