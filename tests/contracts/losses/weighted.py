"""Weighted sum of losses: its case."""

from crowdkit.losses import BackgroundRatioLoss, DensityMSELoss, WeightedSum
from crowdkit.losses._reduction import Reduction
from losses._case import Case


def summed(*, stride: int = 1, reduction: Reduction = "mean") -> WeightedSum:
    """Squared error and background ratio, so that a sum can stand in the table."""
    parts = [each(stride=stride, reduction=reduction) for each in (DensityMSELoss, BackgroundRatioLoss)]
    return WeightedSum(parts, [2.0, 0.5])


CASE = Case(summed, name="WeightedSum", variants=({"stride": 8},))
