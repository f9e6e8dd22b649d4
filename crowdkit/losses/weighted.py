"""Several losses as one."""

from collections.abc import Sequence
from math import isfinite

import torch
from torch import Tensor, nn

from crowdkit.errors import ArgumentError
from crowdkit.losses._calling import call, needs


class WeightedSum(nn.Module):
    r"""Weighted sum of density losses, :math:`\sum_i w_i \ell_i`.

    Args:
        losses: The losses, with one ``reduction``.
        weights: A number >= 0 a loss.

    Attributes:
        needs_points: Whether one of them learns from points; the sum then takes ``points=`` too.
        needs_progress: Whether one of them changes during training; the sum then takes ``progress=`` too.

    Raises:
        ArgumentError: If there is no loss, or not one finite weight >= 0 each.

    Examples:
        Squared error, with the background kept clean:

        >>> import torch
        >>> from crowdkit.losses import BackgroundRatioLoss, DensityMSELoss
        >>> loss = WeightedSum([DensityMSELoss(expansion=1000.0), BackgroundRatioLoss()], [1.0, 0.1])
        >>> target = torch.eye(4)[None, None]
        >>> loss(target + 0.001, target)  # 1 + 0.1 * 0.012 / 4.016
        tensor(1.0003)
    """

    def __init__(self, losses: Sequence[nn.Module], weights: Sequence[float]) -> None:
        super().__init__()
        if not losses or len(losses) != len(weights):
            raise ArgumentError(
                f"weights: expected at least one loss and a weight each, got {len(losses)} losses and "
                f"{len(weights)} weights"
            )
        if not all(isfinite(weight) and weight >= 0 for weight in weights):
            raise ArgumentError(f"weights: expected finite numbers >= 0, got {tuple(weights)}")
        self.losses = nn.ModuleList(losses)
        self.weights = tuple(float(weight) for weight in weights)
        self.needs_points = any(needs(loss, "points") for loss in losses)
        self.needs_progress = any(needs(loss, "progress") for loss in losses)

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        points: Sequence[Tensor] | None = None,
        progress: float | None = None,
    ) -> Tensor:
        """Add up the losses of two maps.

        Args:
            pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
            target: True density, same shape.
            points: The heads (x, y) of each image, for losses that learn from them.
            progress: Share of the training done, 0 to 1, for losses that change with it.

        Raises:
            ArgumentError: If a loss needs what is not given.
        """
        parts = [
            weight * call(loss, pred, target, points=points, progress=progress)
            for loss, weight in zip(self.losses, self.weights, strict=True)
        ]
        return torch.stack(parts).sum(dim=0)

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return f"weights={self.weights}"
