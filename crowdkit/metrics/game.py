"""Grid Average Mean absolute Error: a count error that also penalizes misplaced people."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.metrics._mean import MeanOverImages
from crowdkit.ops import check_pair


def game(pred: Tensor, target: Tensor, *, level: int) -> Tensor:
    r"""Sum of the absolute count errors over a grid of :math:`2^L` x :math:`2^L` cells, averaged over images.

    .. math:: GAME(L) = \frac1B \sum_i \sum_{l=1}^{4^L} |\hat c_i^l - c_i^l|

    The grid's lines lie at :math:`\lfloor k h / 2^L \rfloor`, so that no row or column is left out, and a finer grid
    only adds lines: GAME never decreases with the level, and GAME(0) is the MAE.

    Args:
        pred: Estimated maps in people per cell, shape :math:`(B, 1, h, w)`.
        target: True maps, same shape.
        level: The level :math:`L` of the grid.

    Returns:
        A float64 scalar.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If ``level`` is not a whole number of at least 0.

    References:
        Guerrero-Gómez-Olmedo et al. *Extremely Overlapping Vehicle Counting*. IbPRIA 2015.

    Examples:
        >>> import torch
        >>> there, here = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 1.0]]]])
        >>> game(there, here, level=0), game(there, here, level=1)
        (tensor(0., dtype=torch.float64), tensor(2., dtype=torch.float64))
    """
    return _errors(pred, target, level).mean()


def _check_level(level: int) -> None:
    if isinstance(level, bool) or not isinstance(level, int) or level < 0:
        raise ArgumentError(f"level: expected a whole number >= 0, got {level!r}")


def _errors(pred: Tensor, target: Tensor, level: int) -> Tensor:
    _check_level(level)
    check_pair(pred, target)
    difference = pred.double() - target.double()
    # The sum over a rectangle is a difference of cumulative sums at its corners.
    running = F.pad(difference.cumsum(-1).cumsum(-2), (1, 0, 1, 0))
    for dim in (-2, -1):
        steps = torch.arange(2**level + 1, device=pred.device)
        lines = steps * difference.shape[dim] // 2**level
        running = running.index_select(dim, lines).diff(dim=dim)
    return running.abs().sum(dim=(1, 2, 3))


class GAME(MeanOverImages):
    """Grid Average Mean absolute Error over a data set; see :func:`game`.

    Args:
        level: The grid has ``2**level`` cells along each side.
        options: Options of :class:`torchmetrics.Metric`.

    Examples:
        >>> import torch
        >>> metric = GAME(level=1)
        >>> metric.update(torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 1.0]]]]))
        >>> metric.compute()
        tensor(2., dtype=torch.float64)
    """

    def __init__(self, level: int, **options: Any) -> None:
        super().__init__(**options)
        _check_level(level)
        self.level = level

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add a batch of maps, shape :math:`(B, 1, h, w)`."""
        self.add(_errors(pred, target, self.level))
