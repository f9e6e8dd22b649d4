"""Localization: how many heads are found near where they are, each by a point of its own."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.metrics._matching import matched_heads
from crowdkit.ops import check_points

Points = Sequence[Tensor]


class LocalizationScores(NamedTuple):
    """Precision, recall and F1 of points; float64, a scalar for one threshold, :math:`(T,)` for several.

    Attributes:
        precision: Share of the points that are heads; NaN if there was no point.
        recall: Share of the heads that were found; NaN if there was nobody.
        f1: Their harmonic mean; NaN if there was neither point nor head.
    """

    precision: Tensor
    recall: Tensor
    f1: Tensor


def localization(
    pred: Points, target: Points, *, threshold: float | Sequence[float] = 8.0, radius: Points | None = None
) -> LocalizationScores:
    r"""Precision, recall and F1 of points that are matched to heads, one to one, within a distance.

    .. math:: P = \frac{\sum_i m_i}{\sum_i \hat n_i}, \qquad R = \frac{\sum_i m_i}{\sum_i n_i}, \qquad
        F_1 = \frac{2 P R}{P + R} = \frac{2 \sum_i m_i}{\sum_i \hat n_i + \sum_i n_i}

    for :math:`\hat n_i` points and :math:`n_i` heads in image :math:`i`, where :math:`m_i` is the largest number of
    pairs of a point and a head that are no further apart than the threshold, no point and no head in two of them
    (a maximum bipartite matching). Sums go over all images, so that an image counts by its people. One matching,
    which grows with the distance, serves all thresholds. The field's protocols:

    - ShanghaiTech: ``threshold=(4.0, 8.0)``.
    - UCF-QNRF: ``threshold=range(1, 101)``, and the mean of each figure over these pixels.
    - NWPU-Crowd: ``radius`` half the shorter side of a head's box (:math:`\sigma_s`), or half its diagonal
      (:math:`\sigma_l`), and ``threshold=1.0``.

    Args:
        pred: Points (x, y) found in each image, a list of tensors of shape :math:`(\hat n_i, 2)`.
        target: Heads (x, y) of each image, a list of tensors of shape :math:`(n_i, 2)`.
        threshold: The largest distance of a pair, in pixels; one or several.
        radius: One number of pixels per head, a list of tensors of shape :math:`(n_i,)`; thresholds are then in
            units of it.

    Returns:
        The three figures, one for each threshold.

    Raises:
        ShapeError: If the lists differ in length, or something in them in shape.
        DTypeError: If something is not a list of floating-point tensors.
        ArgumentError: If a threshold or radius is not positive, or a coordinate is not finite.

    References:
        Idrees et al. *Composition Loss for Counting, Density Map Estimation and Localization in Dense Crowds*.
        ECCV 2018, section 5. Wang et al. *NWPU-Crowd*. TPAMI 2021, section 4.2.

    Examples:
        >>> import torch
        >>> heads = [torch.tensor([[10.0, 10.0], [50.0, 50.0]]), torch.zeros(0, 2)]
        >>> points = [torch.tensor([[12.0, 10.0], [9.0, 10.0]]), torch.zeros(0, 2)]
        >>> localization(points, heads).f1  # two points at one head are one pair
        tensor(0.5000, dtype=torch.float64)
        >>> localization(points, heads, threshold=(0.5, 8.0)).recall
        tensor([0.0000, 0.5000], dtype=torch.float64)
    """
    return _scores(*_sums(pred, target, _check_thresholds(threshold), radius))


class Localization(Metric):
    """Precision, recall and F1 of points over a data set; see :func:`localization`.

    Args:
        threshold: The largest distance of a pair, in pixels or radii; one or several.
        options: What :class:`torchmetrics.Metric` itself takes.

    Examples:
        >>> import torch
        >>> metric = Localization(threshold=4.0)
        >>> metric.update([torch.tensor([[12.0, 10.0], [70.0, 10.0]])], [torch.tensor([[10.0, 10.0]])])
        >>> [round(float(each), 4) for each in metric.compute()]
        [0.5, 1.0, 0.6667]
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    matched: Tensor
    found: Tensor
    people: Tensor

    def __init__(self, *, threshold: float | Sequence[float] = 8.0, **options: Any) -> None:
        super().__init__(**options)
        self.thresholds = _check_thresholds(threshold)
        for name, size in (("matched", len(self.thresholds)), ("found", 1), ("people", 1)):
            self.add_state(name, default=torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, pred: Points, target: Points, *, radius: Points | None = None) -> None:
        """Take in the points and heads of several images; see :func:`localization`."""
        matched, found, people = _sums(pred, target, self.thresholds, radius)
        self.matched += matched.to(self.matched.device)
        self.found += found.to(self.found.device)
        self.people += people.to(self.people.device)

    def compute(self) -> LocalizationScores:
        """Return the figures over all images so far, one for each threshold."""
        return _scores(self.matched, self.found, self.people)

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return f"threshold={self.thresholds if len(self.thresholds) > 1 else self.thresholds[0]}"


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
                f"radius: expected one number per head, {tuple(heads.shape[:1])}, got {tuple(own.shape)}"
            )
        if not (own > 0).all():
            raise ArgumentError("radius: expected numbers > 0, got others; a head has a size")


def _sums(
    pred: Points, target: Points, thresholds: tuple[float, ...], radius: Points | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs at each threshold (T,), points (1,) and heads (1,) of all images, float64."""
    _check_lists(pred, target, radius)
    matched = torch.zeros(len(thresholds), dtype=torch.float64)
    sizes = [None] * len(pred) if radius is None else radius
    for points, heads, own in zip(pred, target, sizes, strict=True):
        matched += torch.tensor(matched_heads(points, heads, thresholds, own))
    found, people = (torch.tensor([float(sum(map(len, each)))]).double() for each in (pred, target))
    return matched, found, people


def _scores(matched: Tensor, found: Tensor, people: Tensor) -> LocalizationScores:
    if len(matched) == 1:
        matched, found, people = matched[0], found[0], people[0]
    return LocalizationScores(matched / found, matched / people, 2 * matched / (found + people))
