"""Localization: how many heads are matched by a nearby point of their own."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.metrics._matching import matched_heads
from crowdkit.ops import check_points

Points = Sequence[Tensor]


def localization_precision(
    pred: Points, target: Points, *, threshold: float | Sequence[float] = 8.0, radius: Points | None = None
) -> Tensor:
    r"""Precision: the share of the points that match a head, one to one within a distance.

    .. math:: P = \frac{\sum_i m_i}{\sum_i \hat n_i}

    where :math:`m_i` is the number of pairs in a maximum matching of points and heads in image :math:`i` (see
    :func:`localization_f1`), and :math:`\hat n_i` the number of points.

    Args:
        pred: Points (x, y) found in each image, a list of tensors of shape :math:`(\hat n_i, 2)`.
        target: Heads (x, y) of each image, a list of tensors of shape :math:`(n_i, 2)`.
        threshold: The largest distance of a pair, in pixels; for several thresholds, the mean over them.
        radius: One radius per head in pixels, a list of tensors of shape :math:`(n_i,)`; thresholds are then in
            units of it.

    Returns:
        A float64 scalar between 0 and 1; NaN if no point was found.

    Raises:
        ShapeError: If the lists differ in length, or their tensors have the wrong shape.
        DTypeError: If an argument is not a list of floating-point tensors.
        ArgumentError: If a threshold or radius is not positive.

    Examples:
        >>> import torch
        >>> heads = [torch.tensor([[10.0, 10.0], [50.0, 50.0]])]
        >>> localization_precision([torch.tensor([[12.0, 10.0]])], heads)
        tensor(1., dtype=torch.float64)
    """
    matched, found, _ = _counts(pred, target, threshold, radius)
    return matched / found


def localization_recall(
    pred: Points, target: Points, *, threshold: float | Sequence[float] = 8.0, radius: Points | None = None
) -> Tensor:
    r"""Recall: the share of the heads that match a point, one to one within a distance.

    .. math:: R = \frac{\sum_i m_i}{\sum_i n_i}

    where :math:`m_i` is the number of pairs in a maximum matching of points and heads in image :math:`i` (see
    :func:`localization_f1`), and :math:`n_i` the number of heads.

    Args:
        pred: Points found in each image; see :func:`localization_precision` for all arguments.
        target: Heads of each image.
        threshold: The largest distance of a pair.
        radius: One radius per head.

    Returns:
        A float64 scalar between 0 and 1; NaN if no image has people.

    Raises:
        ShapeError: If the lists differ in length, or their tensors have the wrong shape.
        DTypeError: If an argument is not a list of floating-point tensors.
        ArgumentError: If a threshold or radius is not positive.

    Examples:
        >>> import torch
        >>> heads = [torch.tensor([[10.0, 10.0], [50.0, 50.0]])]
        >>> localization_recall([torch.tensor([[12.0, 10.0]])], heads)
        tensor(0.5000, dtype=torch.float64)
    """
    matched, _, people = _counts(pred, target, threshold, radius)
    return matched / people


def localization_f1(
    pred: Points, target: Points, *, threshold: float | Sequence[float] = 8.0, radius: Points | None = None
) -> Tensor:
    r"""F1 of the points: the harmonic mean of precision and recall.

    .. math:: F_1 = \frac{2 P R}{P + R} = \frac{2 \sum_i m_i}{\sum_i \hat n_i + \sum_i n_i}

    where :math:`m_i` is the largest number of pairs of a point and a head that are at most the threshold apart, with
    each point and each head in at most one pair (a maximum bipartite matching). Sums run over all images, so that
    images are weighted by their number of people. Protocols in use:

    - ShanghaiTech: ``threshold=4.0`` and ``threshold=8.0``.
    - UCF-QNRF: ``threshold=range(1, 101)``: precision and recall are the means over these pixels, F1 is computed from
      them.
    - NWPU-Crowd: ``radius`` half the shorter side of a head's box (:math:`\sigma_s`), or half its diagonal
      (:math:`\sigma_l`), and ``threshold=1.0``.

    Args:
        pred: Points found in each image; see :func:`localization_precision` for all arguments.
        target: Heads of each image.
        threshold: The largest distance of a pair.
        radius: One radius per head.

    Returns:
        A float64 scalar between 0 and 1; NaN if there are neither points nor heads.

    Raises:
        ShapeError: If the lists differ in length, or their tensors have the wrong shape.
        DTypeError: If an argument is not a list of floating-point tensors.
        ArgumentError: If a threshold or radius is not positive.

    References:
        Idrees et al. *Composition Loss for Counting, Density Map Estimation and Localization in Dense Crowds*.
        ECCV 2018, section 5. Wang et al. *NWPU-Crowd*. TPAMI 2021, section 4.2.

    Examples:
        >>> import torch
        >>> heads = [torch.tensor([[10.0, 10.0], [50.0, 50.0]]), torch.zeros(0, 2)]
        >>> points = [torch.tensor([[12.0, 10.0], [9.0, 10.0]]), torch.zeros(0, 2)]
        >>> localization_f1(points, heads)  # two points at one head are one pair
        tensor(0.5000, dtype=torch.float64)
    """
    matched, found, people = _counts(pred, target, threshold, radius)
    return 2 * matched / (found + people)


def _check_thresholds(threshold: float | Sequence[float]) -> tuple[float, ...]:
    thresholds = (threshold,) if isinstance(threshold, int | float) else tuple(threshold)
    if not thresholds or not all(math.isfinite(each) and each > 0 for each in thresholds):
        raise ArgumentError(f"threshold: expected a finite number > 0, or several, got {threshold!r}")
    return tuple(float(each) for each in thresholds)


def _check_lists(pred: Points, target: Points, radius: Points | None) -> None:
    for name, given in (("pred", pred), ("target", target), ("radius", radius)):
        if given is None:
            continue
        if not isinstance(given, list | tuple):
            raise DTypeError(
                f"{name}: expected a list with one tensor per image, got {type(given).__name__}; wrap it in a list"
            )
        if len(given) != len(pred):
            raise ShapeError(f"{name}: expected {len(pred)} images as in pred, got {len(given)}")
        if name != "radius":
            for points in given:
                check_points(name, points)
    for own, heads in zip(radius or (), target, strict=False):
        if own.shape != heads.shape[:1]:
            raise ShapeError(
                f"radius: expected one value per head, shape {tuple(heads.shape[:1])}, got {tuple(own.shape)}"
            )
        if not (own > 0).all():
            raise ArgumentError(
                "radius: expected numbers > 0, got zero, negative or NaN values; a head has a size"
            )


def _counts(
    pred: Points, target: Points, threshold: float | Sequence[float], radius: Points | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs (the mean over the thresholds), points and heads of all images, float64."""
    thresholds = _check_thresholds(threshold)
    _check_lists(pred, target, radius)
    sizes = [None] * len(pred) if radius is None else radius
    pairs = [
        sum(matched_heads(points, heads, thresholds, own)) / len(thresholds)
        for points, heads, own in zip(pred, target, sizes, strict=True)
    ]
    counts = (math.fsum(pairs), sum(map(len, pred)), sum(map(len, target)))
    matched, found, people = torch.tensor(counts, dtype=torch.float64)
    return matched, found, people


class _Localization(Metric):
    """Pairs, points and heads, summed over images and processes."""

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    matched: Tensor
    found: Tensor
    people: Tensor

    def __init__(self, *, threshold: float | Sequence[float] = 8.0, **options: Any) -> None:
        super().__init__(**options)
        self.threshold = threshold
        _check_thresholds(threshold)
        for name in ("matched", "found", "people"):
            self.add_state(name, default=torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, pred: Points, target: Points, *, radius: Points | None = None) -> None:
        """Add the points and heads of several images; see :func:`localization_precision`."""
        matched, found, people = _counts(pred, target, self.threshold, radius)
        self.matched += matched.to(self.matched.device)
        self.found += found.to(self.found.device)
        self.people += people.to(self.people.device)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"threshold={self.threshold}"


class LocalizationPrecision(_Localization):
    """Precision of points over a data set; see :func:`localization_precision`.

    Args:
        threshold: The largest distance of a pair, in pixels or radii; for several thresholds, the mean over them.
        options: Options of :class:`torchmetrics.Metric`.

    Examples:
        >>> import torch
        >>> metric = LocalizationPrecision(threshold=4.0)
        >>> metric.update([torch.tensor([[12.0, 10.0], [70.0, 10.0]])], [torch.tensor([[10.0, 10.0]])])
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    def compute(self) -> Tensor:
        """Return the precision over all images so far, a float64 scalar; NaN if no point was found."""
        return self.matched / self.found


class LocalizationRecall(_Localization):
    """Recall of heads over a data set; see :func:`localization_recall`.

    Args:
        threshold: The largest distance of a pair, in pixels or radii; for several thresholds, the mean over them.
        options: Options of :class:`torchmetrics.Metric`.

    Examples:
        >>> import torch
        >>> metric = LocalizationRecall(threshold=4.0)
        >>> metric.update([torch.tensor([[12.0, 10.0], [70.0, 10.0]])], [torch.tensor([[10.0, 10.0]])])
        >>> metric.compute()
        tensor(1., dtype=torch.float64)
    """

    def compute(self) -> Tensor:
        """Return the recall over all images so far, a float64 scalar; NaN if no image had people."""
        return self.matched / self.people


class LocalizationF1(_Localization):
    """F1 of points over a data set; see :func:`localization_f1`.

    Args:
        threshold: The largest distance of a pair, in pixels or radii; for several thresholds, the mean over them.
        options: Options of :class:`torchmetrics.Metric`.

    Examples:
        >>> import torch
        >>> metric = LocalizationF1(threshold=4.0)
        >>> metric.update([torch.tensor([[12.0, 10.0], [70.0, 10.0]])], [torch.tensor([[10.0, 10.0]])])
        >>> metric.compute()
        tensor(0.6667, dtype=torch.float64)
    """

    def compute(self) -> Tensor:
        """Return F1 over all images so far, a float64 scalar; NaN if there were neither points nor heads."""
        return 2 * self.matched / (self.found + self.people)
