"""Errors of the count: MAE, RMSE, NAE."""

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.metrics._mean import MeanOverImages, mean_of_kept


def count_mae(pred: Tensor, target: Tensor) -> Tensor:
    r"""Mean absolute error of the counts.

    .. math:: MAE = \frac1B \sum_i |\hat c_i - c_i|

    Args:
        pred: Estimated maps in people per cell, shape :math:`(B, 1, h, w)`, or counts, shape :math:`(B,)`.
        target: True maps or counts; their stride and kind may differ from those of ``pred``.

    Returns:
        A float64 scalar.

    Raises:
        ShapeError: If a tensor is neither maps nor counts, or the numbers of images differ.
        DTypeError: If a tensor is boolean or complex.

    Examples:
        >>> import torch
        >>> count_mae(torch.ones(2, 1, 2, 3), torch.tensor([6, 9]))
        tensor(1.5000, dtype=torch.float64)
    """
    pred, target = _counts(pred, target)
    return (pred - target).abs().mean()


def count_rmse(pred: Tensor, target: Tensor) -> Tensor:
    r"""Root of the mean squared error of the counts; the field often prints it as "MSE".

    .. math:: RMSE = \sqrt{\frac1B \sum_i (\hat c_i - c_i)^2}

    Args:
        pred: Estimated maps in people per cell, shape :math:`(B, 1, h, w)`, or counts, shape :math:`(B,)`.
        target: True maps or counts.

    Returns:
        A float64 scalar.

    Raises:
        ShapeError: If a tensor is neither maps nor counts, or the numbers of images differ.
        DTypeError: If a tensor is boolean or complex.

    Examples:
        >>> import torch
        >>> count_rmse(torch.tensor([6.0, 6.0]), torch.tensor([6, 8]))
        tensor(1.4142, dtype=torch.float64)
    """
    pred, target = _counts(pred, target)
    return (pred - target).square().mean().sqrt()


def count_nae(pred: Tensor, target: Tensor) -> Tensor:
    r"""Mean absolute error of the counts, each normalized by the true count.

    .. math:: NAE = \frac1{|\{c_i > 0\}|} \sum_{c_i > 0} \frac{|\hat c_i - c_i|}{c_i}

    Images without people are left out.

    Args:
        pred: Estimated maps in people per cell, shape :math:`(B, 1, h, w)`, or counts, shape :math:`(B,)`.
        target: True maps or counts.

    Returns:
        A float64 scalar; NaN if no image has people.

    Raises:
        ShapeError: If a tensor is neither maps nor counts, or the numbers of images differ.
        DTypeError: If a tensor is boolean or complex.

    Examples:
        >>> import torch
        >>> count_nae(torch.tensor([5.0, 7.0]), torch.tensor([10, 0]))
        tensor(0.5000, dtype=torch.float64)
    """
    return mean_of_kept(*_normalized_errors(*_counts(pred, target)))


def _counts(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    counts = []
    for name, tensor in (("pred", pred), ("target", target)):
        if tensor.is_complex() or tensor.dtype == torch.bool:
            raise DTypeError(f"{name}: expected real numbers, got {tensor.dtype}")
        if tensor.ndim == 4 and tensor.shape[1] == 1:
            counts.append(tensor.double().sum(dim=(1, 2, 3)))
        elif tensor.ndim == 1:
            counts.append(tensor.double())
        else:
            raise ShapeError(
                f"{name}: expected maps (B, 1, h, w) or counts (B,), got {tuple(tensor.shape)}; "
                "add the missing dimensions with map[None, None]"
            )
    if len(counts[0]) != len(counts[1]):
        raise ShapeError(f"target: expected {len(counts[0])} images as in pred, got {len(counts[1])}")
    if counts[0].device != counts[1].device:
        raise ArgumentError(f"target: expected device {pred.device}, got {target.device}; move it with .to()")
    return counts[0], counts[1]


def _normalized_errors(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    peopled = target > 0
    return (pred - target).abs() / target.where(peopled, 1), peopled


class CountMAE(MeanOverImages):
    """Mean absolute error of the counts over a data set; see :func:`count_mae`.

    Examples:
        >>> import torch
        >>> metric = CountMAE()
        >>> metric.update(torch.ones(1, 1, 2, 3), torch.tensor([7]))
        >>> metric.update(torch.ones(1, 1, 2, 3), torch.tensor([9]))
        >>> metric.compute()
        tensor(2., dtype=torch.float64)
    """

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add a batch of maps :math:`(B, 1, h, w)` or counts :math:`(B,)`."""
        pred, target = _counts(pred, target)
        self.add((pred - target).abs())


class CountRMSE(MeanOverImages):
    """Root of the mean squared error of the counts over a data set; see :func:`count_rmse`.

    Examples:
        >>> import torch
        >>> metric = CountRMSE()
        >>> metric.update(torch.tensor([6.0, 6.0]), torch.tensor([6, 8]))
        >>> metric.compute()
        tensor(1.4142, dtype=torch.float64)
    """

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add a batch of maps :math:`(B, 1, h, w)` or counts :math:`(B,)`."""
        pred, target = _counts(pred, target)
        self.add((pred - target).square())

    def compute(self) -> Tensor:
        """Return the root of the mean over all images so far, a float64 scalar."""
        return super().compute().sqrt()


class CountNAE(MeanOverImages):
    """Normalized absolute error of the counts over a data set; see :func:`count_nae`.

    Images without people are left out; ``metric.images`` is the number of the others.

    Examples:
        >>> import torch
        >>> metric = CountNAE()
        >>> metric.update(torch.tensor([5.0, 7.0]), torch.tensor([10, 0]))
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add a batch of maps :math:`(B, 1, h, w)` or counts :math:`(B,)`."""
        self.add(*_normalized_errors(*_counts(pred, target)))
