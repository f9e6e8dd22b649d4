"""A crop of a fixed size at a random magnification."""

import math

import torch

from crowdkit.data.sample import Sample
from crowdkit.data.transforms import check_size, crop, draw, resize
from crowdkit.errors import ArgumentError


class RandomScaledCrop:
    """Crop a window at a random position and resize it to ``size``: a random zoom and a crop in one.

    Only the window is resized, not the whole image. Sigmas follow the magnification. An image too small for the drawn
    magnification is magnified just enough, up to the largest one; if it is still too small, it is padded with zeros at
    the right and bottom.

    Args:
        size: (height, width) of the result, in pixels.
        scale: Smallest and largest magnification, drawn uniformly in its logarithm.

    Examples:
        >>> from crowdkit.data import SyntheticCrowd
        >>> zoom = RandomScaledCrop((64, 64), scale=(0.5, 2.0))
        >>> tuple(zoom(SyntheticCrowd(1)[0]).image.shape)
        (3, 64, 64)
    """

    def __init__(self, size: tuple[int, int], *, scale: tuple[float, float] = (0.5, 2.0)) -> None:
        self.size = check_size("size", size)
        if len(scale) != 2 or not 0 < scale[0] <= scale[1]:
            raise ArgumentError(f"scale: expected 0 < smallest <= largest, got {scale!r}")
        self.scale = (float(scale[0]), float(scale[1]))

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:
        """Crop and scale ``sample``."""
        H, W = (int(side) for side in sample.image.shape[-2:])
        height, width = self.window((H, W), generator)
        top, left = draw(H - height, generator), draw(W - width, generator)
        window = crop(sample, top=top, left=left, height=height, width=width)
        return window if (height, width) == self.size else resize(window, self.size)

    def window(self, size: tuple[int, int], generator: torch.Generator | None = None) -> tuple[int, int]:
        """Draw the height and width of the window to crop from an image of ``size`` (H, W)."""
        smallest, largest = (math.log(each) for each in self.scale)
        scale = math.exp(smallest + (largest - smallest) * float(torch.rand((), generator=generator)))
        fitting = max(wanted / there for wanted, there in zip(self.size, size, strict=True))
        scale = max(scale, min(fitting, self.scale[1]))
        return max(1, round(self.size[0] / scale)), max(1, round(self.size[1] / scale))

    def __repr__(self) -> str:
        return f"RandomScaledCrop({self.size}, scale={self.scale})"
