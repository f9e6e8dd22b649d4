"""The range of images that a model has learned from, and the traits of an image outside it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from crowdkit.calibration.traits import Traits
from crowdkit.errors import ArgumentError, DataError

# How a trait is described.
_TOLD = {
    "megapixels": "{} megapixels",
    "brightness": "brightness {}",
    "contrast": "contrast {}",
    "saturation": "saturation {}",
    "detail": "detail {}",
    "roughness": "roughness {}",
    "peak": "{} people in 64 x 64 pixels",
}
# An image is not unusual for having fewer people than any training image, or none.
_OPEN_BELOW = ("peak",)


@dataclass(frozen=True, kw_only=True)
class Domain:
    """Bounds of the traits of the images that a model has learned from.

    Attributes:
        bounds: The smallest and largest value of each trait; ``None`` where it has no bound.
        images: The number of images that the bounds were fitted on.
        share: The share of new images of the same kind that lies outside, at most.

    Examples:
        >>> import torch
        >>> from crowdkit.calibration import image_traits
        >>> from crowdkit.data import LazyImage
        >>> image = LazyImage(torch.full((3, 64, 96), 0.7))
        >>> domain = Domain(bounds={"brightness": (0.2, 0.6)}, images=630, share=0.05)
        >>> domain.unusual(image_traits(image, torch.zeros(1, 1, 16, 24), stride=4))
        ('brightness 0.70, seen 0.20 to 0.60',)
    """

    bounds: Mapping[str, tuple[float | None, float | None]]
    images: int
    share: float

    def unusual(self, traits: Traits) -> tuple[str, ...]:
        """Describe the traits of an image that lie outside; empty for an image of the learned kind."""
        told = []
        for name, (low, high) in self.bounds.items():
            value = float(getattr(traits, name))
            if (low is None or value >= low) and (high is None or value <= high):
                continue
            told.append(f"{_TOLD[name].format(f'{value:.2f}')}, seen {_range(low, high)}")
        return tuple(told)

    def check(self) -> None:
        """Raise :class:`~crowdkit.errors.DataError` if a bound is not of a known trait or is not a number."""
        for name, bound in self.bounds.items():
            if name not in _TOLD or not all(each is None or isinstance(each, (int, float)) for each in bound):
                raise DataError(
                    f"calibration: expected bounds of {', '.join(_TOLD)}, got {name} {bound}; make it again"
                )

    @classmethod
    def fit(
        cls, seen: Sequence[Traits], *, share: float = 0.05, zoom: tuple[float, float] = (1.0, 1.0)
    ) -> Self:
        """Fit the bounds on training images.

        Each bound is an order statistic, so that a new image of the same kind lies outside it with a probability of
        at most ``share`` divided by the number of bounds, 13, and outside any of them with at most ``share``. With
        fewer than 260 images for a share of 0.05, the bounds are the extremes, and this is not guaranteed.

        Args:
            seen: The traits of the images.
            share: The share of images of the same kind that may lie outside, in (0, 1).
            zoom: Smallest and largest magnification at which the training showed them.

        Returns:
            The bounds.

        Raises:
            ArgumentError: If there is no image, or a number is out of range.

        Examples:
            >>> import torch
            >>> from crowdkit.calibration import image_traits
            >>> from crowdkit.data import LazyImage
            >>> image = LazyImage(torch.rand(3, 100, 100))
            >>> traits = image_traits(image, torch.full((1, 1, 25, 25), 0.01), stride=4)
            >>> domain = Domain.fit([traits], zoom=(0.5, 2.0))
            >>> domain.bounds["megapixels"], domain.bounds["peak"][0]
            ((0.0025, 0.04), None)
        """
        if not seen:
            raise ArgumentError("seen: expected the traits of at least one image, got none")
        if not 0 < share < 1 or not 0 < zoom[0] <= 1 <= zoom[1]:
            raise ArgumentError(
                f"share: expected a share in (0, 1) and a zoom around 1, got {share} and {zoom}"
            )
        ends = 2 * len(_TOLD) - len(_OPEN_BELOW)
        rank = max(1, math.floor((len(seen) + 1) * share / ends))
        bounds: dict[str, tuple[float | None, float | None]] = {}
        for name in _TOLD:
            values = sorted(float(getattr(each, name)) for each in seen)
            low, high = values[rank - 1], values[-rank]
            if name == "megapixels":
                low, high = low * zoom[0] ** 2, high * zoom[1] ** 2
            bounds[name] = (None if name in _OPEN_BELOW else low, high)
        return cls(bounds=bounds, images=len(seen), share=share)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:.2f} to {high:.2f}"
    return f"at most {high:.2f}" if low is None else f"at least {low:.2f}"
