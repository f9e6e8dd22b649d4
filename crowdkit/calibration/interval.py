"""The interval of a count: split conformal prediction, from the counts of held-out images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError

# Gives an estimate of zero people a width too.
_OFFSET = 5.0
_ROUNDING = 1e-9  # 2 / (1 - 0.9) is meant to be 20
_POWERS = torch.linspace(0.0, 1.2, 25, dtype=torch.float64)


@dataclass(frozen=True, kw_only=True)
class CountInterval:
    r"""An interval around an estimate that contains the true count for a chosen share of images.

    Errors grow with the crowd. On held-out images with counts :math:`c_i` and estimates :math:`\hat c_i`, the power
    :math:`p` is chosen (:meth:`fit`) so that the scores :math:`s_i = (c_i - \hat c_i) / (\hat c_i + 5)^p` have the same
    spread for crowds of all sizes. The interval of an estimate :math:`\hat c` is

    .. math:: [\, \hat c + q_- (\hat c + 5)^p, \;\; \hat c + q_+ (\hat c + 5)^p \,], \qquad
        q_- = s_{(k)}, \; q_+ = s_{(n + 1 - k)}, \; k = \lfloor (n + 1)(1 - \alpha) / 2 \rfloor,

    clipped at 0. Each end has its own order statistic, because models count too few more often than too many. For
    images drawn like the :math:`n` held-out ones, whatever the distribution of their errors, the true count lies inside
    with probability :math:`1 - 2k / (n + 1) \ge \alpha`. Because the single parameter :math:`p` is fitted on the same
    images, the coverage is also measured (:func:`~crowdkit.calibration.measure_coverage`).

    Attributes:
        coverage: :math:`\alpha`, the share of images whose true count should lie inside.
        power: :math:`p`.
        lower: :math:`q_-`.
        upper: :math:`q_+`.
        images: :math:`n`.

    References:
        Lei, G'Sell, Rinaldo, Tibshirani and Wasserman. *Distribution-Free Predictive Inference for Regression*.
        JASA 2018, section 5.2 (scores divided by an estimate of their spread).

    Examples:
        >>> interval = CountInterval(coverage=0.9, power=0.5, lower=-1.0, upper=2.0, images=70)
        >>> interval(95.0)
        (85.0, 115.0)
    """

    coverage: float
    power: float
    lower: float
    upper: float
    images: int

    def __call__(self, estimate: float) -> tuple[float, float]:
        """Return the lower and the upper end for an estimated count."""
        scale = (max(estimate, 0.0) + _OFFSET) ** self.power
        return max(0.0, estimate + self.lower * scale), max(0.0, estimate + self.upper * scale)

    @classmethod
    def fit(cls, people: Sequence[float], estimates: Sequence[float], *, coverage: float = 0.9) -> Self:
        r"""Fit the interval on held-out images.

        :math:`p` is the multiple of 0.05 in [0, 1.2] with the highest likelihood of the errors, if they have a Laplace
        distribution around a bias, both proportional to :math:`(\hat c + 5)^p`.

        Args:
            people: The true counts.
            estimates: The estimated counts.
            coverage: The share of images whose true count should lie inside, in (0, 1).

        Returns:
            The interval.

        Raises:
            ArgumentError: If there are too few images for such a coverage (19 for 0.9), or a number is out of range.

        Examples:
            >>> people = [float(10 * n) for n in range(1, 20)]
            >>> CountInterval.fit(people, [0.8 * n for n in people])(80.0)[1] > 95
            True
        """
        if not 0 < coverage < 1:
            raise ArgumentError(f"coverage: expected a share in (0, 1), got {coverage!r}")
        true, found = _checked(people, estimates)
        images, least = len(true), least_images(coverage)
        if images < least:
            raise ArgumentError(
                f"people: expected at least {least} held-out images for a coverage of {coverage:g}, got {images}"
            )
        rank = math.floor((images + 1) * (1 - coverage) / 2 + _ROUNDING)
        scales = (found + _OFFSET) ** _POWERS[:, None]
        scores = (true - found) / scales
        spread = (scores - scores.median(dim=1, keepdim=True).values).abs().mean(dim=1).clamp_min(1e-9)
        best = int((spread.log() + scales.log().mean(dim=1)).argmin())
        ordered = scores[best].sort().values
        return cls(
            coverage=coverage,
            power=round(float(_POWERS[best]), 2),
            lower=float(ordered[rank - 1]),
            upper=float(ordered[-rank]),
            images=images,
        )


def least_images(coverage: float) -> int:
    """The number of held-out images that an interval of such a coverage requires: 19 for 0.9."""
    return math.ceil(2 / (1 - coverage) - 1 - _ROUNDING)


def _checked(people: Sequence[float], estimates: Sequence[float]) -> tuple[Tensor, Tensor]:
    true, found = (torch.tensor(list(each), dtype=torch.float64) for each in (people, estimates))
    if len(true) != len(found):
        raise ArgumentError(f"estimates: expected {len(true)}, one for each of people, got {len(found)}")
    if not (torch.isfinite(true).all() and torch.isfinite(found).all() and (true >= 0).all()):
        raise ArgumentError("people: expected finite counts >= 0 and finite estimates, got another number")
    return true, found.clamp_min(0)
