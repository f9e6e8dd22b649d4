"""Metrics of clips: errors weighed by time, and flicker."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.metrics.count import _counts


def temporal_mae(pred: Tensor, target: Tensor, *, times: Tensor | None = None) -> Tensor:
    r"""Mean absolute error of the counts of a clip, each weighed by the time that it stands for.

    .. math:: \frac{\sum_i \Delta_i |\hat c_i - c_i|}{\sum_i \Delta_i}, \qquad \Delta_i = t_{i+1} - t_i

    The last frame stands for as long as the mean of the others. For evenly spaced frames this is the MAE; where
    frames are closer in busy seconds, as with variable frame rates, the MAE weighs those seconds too much.

    Args:
        pred: Estimated maps in people per cell, shape :math:`(T, 1, h, w)`, or counts, shape :math:`(T,)`.
        target: True maps or counts.
        times: Seconds of the frames, rising, shape :math:`(T,)`; evenly spaced if ``None``.

    Returns:
        A float64 scalar; NaN for a clip without frames.

    Raises:
        ShapeError: If a tensor is neither maps nor counts, or the numbers of frames differ.
        DTypeError: If a tensor is boolean or complex.
        ArgumentError: If ``times`` do not rise.

    Examples:
        >>> import torch
        >>> counts, truth = torch.tensor([10.0, 10.0, 10.0]), torch.tensor([10.0, 14.0, 10.0])
        >>> temporal_mae(counts, truth, times=torch.tensor([0.0, 1.0, 4.0]))
        tensor(2., dtype=torch.float64)
    """
    errors, weights = _weighed(pred, target, times)
    return errors.sum() / weights.sum()


class TemporalMAE(Metric):
    """Mean absolute error over the time of several clips; see :func:`temporal_mae`.

    Args:
        options: What :class:`torchmetrics.Metric` itself takes.

    Examples:
        >>> import torch
        >>> metric = TemporalMAE()
        >>> metric.update(torch.tensor([5.0, 5.0]), torch.tensor([6.0, 6.0]), times=torch.tensor([0.0, 3.0]))
        >>> metric.update(torch.tensor([5.0, 5.0]), torch.tensor([9.0, 9.0]), times=torch.tensor([0.0, 1.0]))
        >>> metric.compute()
        tensor(1.7500, dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    total: Tensor
    seconds: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("total", "seconds"):
            self.add_state(name, default=torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, pred: Tensor, target: Tensor, times: Tensor | None = None) -> None:
        """Take in a clip: maps :math:`(T, 1, h, w)` or counts :math:`(T,)`, and the times of its frames."""
        errors, weights = _weighed(pred, target, times)
        self.total += errors.sum()
        self.seconds += weights.sum()

    def compute(self) -> Tensor:
        """Return the mean over the time of all clips so far, a float64 scalar; NaN if there was none."""
        return self.total / self.seconds


def _weighed(pred: Tensor, target: Tensor, times: Tensor | None) -> tuple[Tensor, Tensor]:
    pred, target = _counts(pred.detach(), target.detach())
    errors = (pred - target).abs()
    if times is None:
        return errors, torch.ones_like(errors)
    if times.shape != errors.shape:
        raise ShapeError(
            f"times: expected one time per frame, {tuple(errors.shape)}, got {tuple(times.shape)}"
        )
    steps = times.to(errors).diff()
    if not (steps > 0).all():
        raise ArgumentError("times: expected seconds that rise, got some that do not; sort the frames")
    weights = torch.cat([steps, steps.mean(dim=0, keepdim=True)]) if len(steps) else torch.ones_like(errors)
    return errors * weights, weights


def flicker(pred: Tensor, target: Tensor) -> Tensor:
    r"""Total variation of the estimated counts of a clip over that of the true ones.

    .. math:: \frac{\sum_i |\hat c_{i+1} - \hat c_i|}{\sum_i |c_{i+1} - c_i|}

    1 is right; more is an estimate that jumps where the crowd does not, less one that is smoothed too much. It says
    nothing about the error: a count that is 50 too high throughout has a flicker of 1.

    Args:
        pred: Estimated maps in people per cell, shape :math:`(T, 1, h, w)`, or counts, shape :math:`(T,)`.
        target: True maps or counts.

    Returns:
        A float64 scalar; infinite, or NaN, if the true counts do not change.

    Raises:
        ShapeError: If a tensor is neither maps nor counts, or the numbers of frames differ.
        DTypeError: If a tensor is boolean or complex.

    Examples:
        >>> import torch
        >>> flicker(torch.tensor([9.0, 12.0, 10.0, 14.0]), torch.tensor([10, 11, 12, 13]))
        tensor(3., dtype=torch.float64)
    """
    moved, truly = _variations(pred, target)
    return moved / truly


class Flicker(Metric):
    """Total variation of the estimated counts of several clips over that of the true ones; see :func:`flicker`.

    Args:
        options: What :class:`torchmetrics.Metric` itself takes.

    Examples:
        >>> import torch
        >>> metric = Flicker()
        >>> metric.update(torch.tensor([5.0, 8.0]), torch.tensor([6, 7]))
        >>> metric.update(torch.tensor([50.0, 51.0]), torch.tensor([60, 61]))
        >>> metric.compute()
        tensor(2., dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False
    moved: Tensor
    truly: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("moved", "truly"):
            self.add_state(name, default=torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Take in a clip of maps :math:`(T, 1, h, w)` or counts :math:`(T,)`, in the order of time."""
        moved, truly = _variations(pred, target)
        self.moved += moved
        self.truly += truly

    def compute(self) -> Tensor:
        """Return the ratio over all clips so far, a float64 scalar."""
        return self.moved / self.truly


def _variations(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    pred, target = _counts(pred.detach(), target.detach())
    return pred.diff().abs().sum(), target.diff().abs().sum()
