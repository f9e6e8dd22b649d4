"""Background ratio r_bg: the share of the estimated people that falls on background."""

from typing import Any, Literal

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, check_choice
from crowdkit.metrics._mean import MeanOverImages
from crowdkit.ops import check_pair, check_stride

Average = Literal["images", "sums"]


def background_share(
    pred: Tensor,
    target: Tensor,
    *,
    threshold: float = 1e-5,
    stride: int = 1,
    average: Average = "images",
) -> Tensor:
    r"""Background ratio r_bg: the share of the estimated people that falls on background.

    .. math:: r_{bg} = \frac1B \sum_i \frac{\sum_{p \in bg_i} \hat D_{ip}^+}{\sum_p \hat D_{ip}^+},
        \quad \hat D^+ = \max(\hat D, 0)

    Background is where the true map is below ``threshold``. An estimate of zero people has share 0; any other estimate
    has share 1 on an image without people. The name differs from that of the differentiable loss,
    :func:`crowdkit.losses.background_ratio_loss`, which takes a mask.

    Args:
        pred: Estimated maps in people per cell, shape :math:`(B, 1, h, w)`.
        target: True maps, same shape.
        threshold: People per full-resolution pixel below which a cell is background.
        stride: Full-resolution pixels along a cell's side.
        average: ``"images"`` averages the images' ratios (as in table 6), ``"sums"`` divides the sums over all
            images.

    Returns:
        A float64 scalar, between 0 and 1.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If a map is not floating point.
        ArgumentError: If a number is outside its range.
        UnknownNameError: If ``average`` is neither of the two.

    References:
        Rong and Li. *CFANet*. WACV 2021, table 6.

    Examples:
        >>> import torch
        >>> crowd = torch.tensor([[[[0.0, 0.0, 2.0, 1.0]]]])
        >>> background_share(torch.ones(1, 1, 1, 4), crowd)
        tensor(0.5000, dtype=torch.float64)
    """
    _check_arguments(threshold, stride, average)
    outside, people = _sums(pred, target, threshold, stride)
    if average == "images":
        return _ratio(outside, people).mean()
    return _ratio(outside.sum(), people.sum())


def _check_arguments(threshold: float, stride: int, average: str) -> None:
    check_stride(stride)
    check_choice("average", average, ("images", "sums"))
    if not threshold > 0:
        raise ArgumentError(f"threshold: expected a number > 0, got {threshold!r}")


def _sums(pred: Tensor, target: Tensor, threshold: float, stride: int) -> tuple[Tensor, Tensor]:
    check_pair(pred, target)
    # In float32, like the loss and the CAM targets: 1e-5 in float32 lies below 1e-5 in float64.
    wide = target if target.dtype == torch.float64 else target.float()
    background = wide / stride**2 < threshold
    people, dims = pred.double().relu(), (1, 2, 3)
    # 0, or NaN where a cell is NaN or infinite, which a comparison and a relu would hide.
    lost = 0 * (pred.double().sum(dim=dims) + wide.double().sum(dim=dims))
    return people.where(background, 0).sum(dim=dims) + lost, people.sum(dim=dims)


def _ratio(outside: Tensor, people: Tensor) -> Tensor:
    return outside / people.where(people != 0, 1)


class BackgroundRatio(MeanOverImages):
    """Background ratio r_bg over a data set; see :func:`background_share`.

    Args:
        threshold: People per full-resolution pixel below which a cell is background.
        stride: Full-resolution pixels along a cell's side.
        average: ``"images"`` averages the images' ratios, ``"sums"`` divides the sums over all images.
        options: Options of :class:`torchmetrics.Metric`.

    Examples:
        >>> import torch
        >>> metric = BackgroundRatio()
        >>> metric.update(torch.ones(1, 1, 1, 4), torch.tensor([[[[0.0, 0.0, 2.0, 1.0]]]]))
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    people: Tensor

    def __init__(
        self, *, threshold: float = 1e-5, stride: int = 1, average: Average = "images", **options: Any
    ) -> None:
        super().__init__(**options)
        _check_arguments(threshold, stride, average)
        self.threshold = threshold
        self.stride = stride
        self.average = average
        self.add_state("people", default=self.total.clone(), dist_reduce_fx="sum")

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add a batch of maps, shape :math:`(B, 1, h, w)`."""
        outside, people = _sums(pred, target, self.threshold, self.stride)
        self.people += people.sum()
        self.add(_ratio(outside, people) if self.average == "images" else outside)

    def compute(self) -> Tensor:
        """Return the ratio over all images so far, a float64 scalar."""
        return super().compute() if self.average == "images" else _ratio(self.total, self.people)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"threshold={self.threshold:g}, stride={self.stride}, average={self.average!r}"
