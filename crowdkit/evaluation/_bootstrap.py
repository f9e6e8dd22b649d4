"""How far a mean over images would be elsewhere on other images of the same kind."""

from collections.abc import Sequence

import torch

COVERAGE, RESAMPLES = 0.9, 2000
_AT_ONCE = 2**22  # draws


def bootstrap_interval(
    values: Sequence[float], *, coverage: float = COVERAGE, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Estimate the spread of a mean by the percentile bootstrap.

    As many values as there are are drawn with replacement, again and again; the middle ``coverage`` of the means of
    these resamples is the interval. It shows how much a figure depends on which images it was measured on. Of fewer
    than about twenty images it is too narrow, and of one it is a point.

    Args:
        values: One value per image, at least one.
        coverage: The share of resamples whose mean lies inside.
        resamples: How many are drawn.
        seed: Seed of the draws: the same values have the same interval.

    Returns:
        Its lower and its upper end.

    References:
        Efron and Tibshirani. *An Introduction to the Bootstrap*. Chapman & Hall 1993, section 13.3.

    Examples:
        >>> low, high = bootstrap_interval([4.0, 9.0, 2.0, 5.0] * 25)
        >>> low < 5.0 < high
        True
    """
    generator = torch.Generator().manual_seed(seed)
    errors = torch.tensor(values, dtype=torch.float64)
    images, part = len(errors), max(1, _AT_ONCE // len(errors))
    means = torch.cat(
        [
            errors[torch.randint(images, (min(part, resamples - done), images), generator=generator)].mean(1)
            for done in range(0, resamples, part)
        ]
    )
    ends = torch.tensor([(1 - coverage) / 2, (1 + coverage) / 2], dtype=torch.float64)
    low, high = means.quantile(ends).tolist()
    return low, high
