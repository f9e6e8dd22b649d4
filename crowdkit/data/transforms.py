"""Transform image and points together, so that no head is lost or invented.

Every transform is a callable ``transform(sample, generator=None) -> Sample``; random ones draw from the generator, or
from torch's global one. The density map is made afterwards, at the desired size. The applied transforms are recorded
in ``sample.meta["transforms"]``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad as pad_tensor

from crowdkit.data._torchvision import functional
from crowdkit.data.geometry import flip_points, inside, resize_points, shift_points
from crowdkit.data.sample import Sample
from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.targets import sigma_rule


class Transform(Protocol):
    """Anything that turns a sample into a sample."""

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:
        """Transform ``sample``; random choices come from ``generator``."""
        ...


def crop(sample: Sample, *, top: int, left: int, height: int, width: int) -> Sample:
    """Crop a window of the sample; beyond the image it is zero, and outside the region of interest.

    Exactly the heads in the half-open window are kept: [left, left+width) x [top, top+height).
    """
    image = functional().crop(sample.image, top, left, height, width)
    moved = shift_points(sample.points, left=-left, top=-top)
    keep = inside(moved, (height, width))
    sigma = None if sample.sigma is None else sample.sigma[keep]
    roi = None if sample.roi is None else functional().crop(sample.roi[None], top, left, height, width)[0]
    cut = Sample(image, moved[keep], sample.meta, sigma, roi)
    return noted(cut, "crop", top=top, left=left, height=height, width=width)


def horizontal_flip(sample: Sample) -> Sample:
    """Flip the sample left to right; a head in column j moves to column W-1-j."""
    image = functional().horizontal_flip(sample.image)
    points = flip_points(sample.points, sample.image.shape[-1], axis=0)
    roi = None if sample.roi is None else sample.roi.flip(-1)
    return noted(Sample(image, points, sample.meta, sample.sigma, roi), "horizontal_flip")


def resize(sample: Sample, size: tuple[int, int]) -> Sample:
    """Resize the sample to ``size`` (H, W): bilinear with antialiasing, every head kept.

    Sigmas are multiplied by the root of the area ratio. A pixel is in the region of interest if at least half of the
    area that it shows was.
    """
    old = _size(sample)
    image = functional().resize(sample.image, list(size), antialias=True).clamp(0, 1)
    points = resize_points(sample.points, old, size)
    ratio = (size[0] * size[1] / (old[0] * old[1])) ** 0.5
    sigma = None if sample.sigma is None else sample.sigma * ratio
    roi = sample.roi
    if roi is not None:
        roi = functional().resize(roi[None].float(), list(size), antialias=True)[0] >= 0.5
    return noted(Sample(image, points, sample.meta, sigma, roi), "resize", old=old, new=size)


def pad(
    sample: Sample, *, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0, fill: float = 0.0
) -> Sample:
    """Add a border to the sample, outside its region of interest."""
    image = functional().pad(sample.image, [left, top, right, bottom], fill=fill)
    points = shift_points(sample.points, left=left, top=top)
    border = [left, right, top, bottom]
    roi = None if sample.roi is None else pad_tensor(sample.roi, border)
    padded = Sample(image, points, sample.meta, sample.sigma, roi)
    return noted(padded, "pad", left=left, top=top, right=right, bottom=bottom)


class Compose:
    """Apply several transforms in order.

    Args:
        transforms: The transforms, first to last.

    Examples:
        >>> augment = Compose([GaussianSigma(15.0), RandomCrop(0.5), HorizontalFlip(0.5)])
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = tuple(transforms)

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:
        """Transform ``sample``."""
        for transform in self.transforms:
            sample = transform(sample, generator)
        return sample

    def __repr__(self) -> str:
        return f"Compose([{', '.join(map(repr, self.transforms))}])"


class RandomCrop:
    """Crop a window at a random position.

    Args:
        size: Fraction of the image's height and width in (0, 1], or (height, width) in pixels. A smaller image is
            padded with zeros at the right and bottom.
    """

    def __init__(self, size: float | tuple[int, int]) -> None:
        if isinstance(size, int | float):
            if not 0 < size <= 1:
                raise ArgumentError(f"size: expected a fraction in (0, 1] or (height, width), got {size!r}")
            self.size: float | tuple[int, int] = float(size)
        else:
            self.size = check_size("size", size)

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:
        """Crop ``sample``."""
        H, W = _size(sample)
        if isinstance(self.size, float):
            height, width = max(1, round(H * self.size)), max(1, round(W * self.size))
        else:
            height, width = self.size
        top = draw(H - height, generator)
        left = draw(W - width, generator)
        return crop(sample, top=top, left=left, height=height, width=width)

    def __repr__(self) -> str:
        return f"RandomCrop({self.size})"


class HorizontalFlip:
    """Flip left to right with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability(p)

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:
        """Flip ``sample``, or not."""
        return horizontal_flip(sample) if float(torch.rand((), generator=generator)) < self.p else sample

    def __repr__(self) -> str:
        return f"HorizontalFlip({self.p})"


class Resize:
    """Resize to a size, or by the smallest change that brings the sides within bounds.

    Bounds preserve the aspect ratio; where a lower and an upper bound conflict, the upper one takes precedence. An
    image that is within its bounds is unchanged.

    Args:
        size: (height, width) in pixels; excludes all bounds.
        short_side_min: The shorter side is at least this.
        short_side_max: The shorter side is at most this.
        long_side_min: The longer side is at least this.
        long_side_max: The longer side is at most this.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] | None = None,
        short_side_min: int | None = None,
        short_side_max: int | None = None,
        long_side_min: int | None = None,
        long_side_max: int | None = None,
    ) -> None:
        self.bounds = {
            "short_side_min": short_side_min,
            "short_side_max": short_side_max,
            "long_side_min": long_side_min,
            "long_side_max": long_side_max,
        }
        given = [name for name, value in self.bounds.items() if value is not None]
        if (size is None) == (not given):
            raise ArgumentError(
                f"size: expected either size or side bounds, got size={size} and bounds {given}; pass only one"
            )
        for name in given:
            value = self.bounds[name]
            if not isinstance(value, int) or value < 1:
                raise ArgumentError(f"{name}: expected a whole number of pixels >= 1, got {value!r}")
        self.size = None if size is None else check_size("size", size)

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:  # noqa: ARG002
        """Resize ``sample``."""
        old = _size(sample)
        new = self.output_size(old)
        return sample if new == old else resize(sample, new)

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the height and width that an image of ``size`` (H, W) is resized to."""
        if self.size is not None:
            return self.size
        short, long = min(size), max(size)
        scale = 1.0
        for name, side in (("short_side_min", short), ("long_side_min", long)):
            scale = max(scale, (self.bounds[name] or 0) / side)
        for name, side in (("short_side_max", short), ("long_side_max", long)):
            scale = min(scale, (self.bounds[name] or torch.inf) / side)
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def __repr__(self) -> str:
        given = {"size": self.size, **self.bounds}
        return f"Resize({', '.join(f'{name}={value}' for name, value in given.items() if value is not None)})"


class Pad:
    """Add a border of ``fill``: a number of pixels on each side, then right and bottom up to a multiple.

    Args:
        left: Pixels added left of the image.
        top: Pixels added above the image.
        right: Pixels added right of the image.
        bottom: Pixels added below the image.
        multiple: Continue padding at the right and bottom until both sides are divisible by this.
        fill: Value of the border.
    """

    def __init__(
        self,
        *,
        left: int = 0,
        top: int = 0,
        right: int = 0,
        bottom: int = 0,
        multiple: int = 1,
        fill: float = 0.0,
    ) -> None:
        self.border = {"left": left, "top": top, "right": right, "bottom": bottom}
        for name, value in self.border.items():
            if value < 0:
                raise ArgumentError(f"{name}: expected a whole number of pixels >= 0, got {value!r}")
        if multiple < 1:
            raise ArgumentError(f"multiple: expected a whole number >= 1, got {multiple!r}")
        self.multiple = multiple
        self.fill = fill

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:  # noqa: ARG002
        """Pad ``sample``."""
        border = dict(self.border)
        H, W = _size(sample)
        border["bottom"] += -(H + border["top"] + border["bottom"]) % self.multiple
        border["right"] += -(W + border["left"] + border["right"]) % self.multiple
        return pad(sample, **border, fill=self.fill) if any(border.values()) else sample

    def __repr__(self) -> str:
        sides = ", ".join(f"{name}={value}" for name, value in self.border.items())
        return f"Pad({sides}, multiple={self.multiple}, fill={self.fill})"


class GaussianSigma:
    """Set every head's sigma from the whole image: apply it before any crop.

    Args:
        rule: A number of pixels, the name of a rule (:func:`crowdkit.targets.list_sigma_rules`), or a
            callable ``rule(points, (H, W)) -> (N,)``.
    """

    def __init__(self, rule: float | str | Callable[[Tensor, tuple[int, int]], Tensor]) -> None:
        if isinstance(rule, int | float) and not rule > 0:
            raise ArgumentError(f"rule: expected a sigma above 0 pixels, got {rule!r}")
        if isinstance(rule, str):
            sigma_rule(
                rule
            )  # an unknown name fails here; only the name is stored, so that it can be sent to workers
        self.rule = rule

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:  # noqa: ARG002
        """Set ``sample.sigma``."""
        rule = sigma_rule(self.rule) if isinstance(self.rule, str) else self.rule
        if callable(rule):
            sigma = rule(sample.points, _size(sample))
        else:
            sigma = sample.points.new_full((len(sample.points),), float(rule))
        if sigma.shape != (len(sample.points),):
            raise ShapeError(
                f"rule: expected one sigma for each of {len(sample.points)} heads, got {tuple(sigma.shape)}"
            )
        return sample._replace(sigma=sigma)

    def __repr__(self) -> str:
        return f"GaussianSigma({self.rule!r})"


def _size(sample: Sample) -> tuple[int, int]:
    return sample.image.shape[-2], sample.image.shape[-1]


def probability(p: float) -> float:
    """Check a probability."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"p: expected a probability in [0, 1], got {p!r}")
    return p


def check_size(name: str, size: tuple[int, int]) -> tuple[int, int]:
    """Check a size (height, width) in pixels."""
    sides = tuple(size)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 1 for side in sides):
        raise ArgumentError(f"{name}: expected (height, width) in whole pixels >= 1, got {size!r}")
    return sides[0], sides[1]


def draw(room: int, generator: torch.Generator | None) -> int:
    """Draw a number from 0 to ``room``; 0 if there is no room."""
    return int(torch.randint(room + 1, (), generator=generator)) if room > 0 else 0


def noted(sample: Sample, name: str, **what: Any) -> Sample:
    """Record in the sample's ``meta`` what was applied to it."""
    record = {"name": name, **what}
    return sample._replace(meta={**sample.meta, "transforms": (*sample.meta.get("transforms", ()), record)})
