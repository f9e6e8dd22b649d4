"""Change the picture only, so that a model learns cameras, files and weather missing from its training images.

Heads, sigmas and the region of interest are unchanged. Every class is a transform (:class:`crowdkit.data.Transform`)
that is applied with probability ``p`` and draws its strength within fixed bounds; the drawn values are recorded in
``sample.meta["transforms"]``.
"""

import math
from collections.abc import Mapping
from io import BytesIO
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.data._torchvision import functional
from crowdkit.data.image import unit_range
from crowdkit.data.sample import Sample
from crowdkit.data.transforms import Compose, Transform, noted, probability
from crowdkit.errors import check_choice
from crowdkit.ops import gaussian_window, window_filter

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG files and Pillow


class _Photometric:
    """Base class of the changes below.

    Args:
        p: Probability that the picture is changed.
    """

    # Parameters drawn uniformly between two bounds for every picture.
    bounds: ClassVar[dict[str, tuple[float, float]]] = {}

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability(p)

    def __call__(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:
        """Change the picture of ``sample``, or not."""
        if float(torch.rand((), generator=generator)) >= self.p:
            return sample
        shares = torch.rand(len(self.bounds), generator=generator).tolist()
        drawn = {
            name: low + (high - low) * share
            for (name, (low, high)), share in zip(self.bounds.items(), shares, strict=True)
        }
        image = self.change(sample.image, drawn, generator).clamp(0, 1)
        return noted(sample._replace(image=image), type(self).__name__, **drawn)

    def change(self, image: Tensor, drawn: dict[str, float], generator: torch.Generator | None) -> Tensor:
        """Change an image (3, H, W) by the drawn parameters; the result is clamped to [0, 1]."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.p})"


class Grayscale(_Photometric):
    """Convert to grayscale with probability ``p``: the luma in all three channels."""

    def change(self, image: Tensor, drawn: dict[str, float], generator: torch.Generator | None) -> Tensor:  # noqa: ARG002
        """Convert to grayscale."""
        return _gray(image).expand(3, -1, -1).contiguous()


class ColorJitter(_Photometric):
    """Change exposure, contrast, saturation, gamma and white balance with probability ``p``."""

    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "exposure": (0.7, 1.3),
        "contrast": (0.6, 1.3),
        "saturation": (0.3, 1.5),
        "gamma": (0.7, 1.5),
        "red": (0.9, 1.1),
        "blue": (0.9, 1.1),
    }

    def change(self, image: Tensor, drawn: dict[str, float], generator: torch.Generator | None) -> Tensor:  # noqa: ARG002
        """Jitter."""
        gains = image.new_tensor([drawn["red"], 1.0, drawn["blue"]])[:, None, None] * drawn["exposure"]
        changed = (image * gains).clamp_(0, 1) ** drawn["gamma"]
        changed = torch.lerp(changed.mean(), changed, drawn["contrast"])
        return torch.lerp(_gray(changed), changed, drawn["saturation"])


class Blur(_Photometric):
    """Blur with a Gaussian of 0.5 to 2 pixels with probability ``p``; the border is replicated."""

    bounds: ClassVar[dict[str, tuple[float, float]]] = {"sigma": (0.5, 2.0)}

    def change(self, image: Tensor, drawn: dict[str, float], generator: torch.Generator | None) -> Tensor:  # noqa: ARG002
        """Blur."""
        margin = math.ceil(3 * drawn["sigma"])
        window = gaussian_window(2 * margin + 1, drawn["sigma"])
        return window_filter(F.pad(image[None], [margin] * 4, mode="replicate"), window)[0]


class LowResolution(_Photometric):
    """Shrink to between a third and three quarters of the size and enlarge again with probability ``p``."""

    bounds: ClassVar[dict[str, tuple[float, float]]] = {"scale": (1 / 3, 3 / 4)}

    def change(self, image: Tensor, drawn: dict[str, float], generator: torch.Generator | None) -> Tensor:  # noqa: ARG002
        """Reduce the resolution."""
        size = [image.shape[-2], image.shape[-1]]
        small = functional().resize(
            image, [max(1, round(side * drawn["scale"])) for side in size], antialias=True
        )
        enlarged: Tensor = functional().resize(small, size, antialias=True)
        return enlarged


class Noise(_Photometric):
    """Add Gaussian noise of sigma 0.01 to 0.08 with probability ``p``."""

    bounds: ClassVar[dict[str, tuple[float, float]]] = {"deviation": (0.01, 0.08)}

    def change(self, image: Tensor, drawn: dict[str, float], generator: torch.Generator | None) -> Tensor:
        """Add noise."""
        return image + drawn["deviation"] * torch.randn(image.shape, generator=generator)


class JPEGCompression(_Photometric):
    """Compress as JPEG of quality 15 to 75 and decompress with probability ``p``."""

    bounds: ClassVar[dict[str, tuple[float, float]]] = {"quality": (15, 75)}

    def change(self, image: Tensor, drawn: dict[str, float], generator: torch.Generator | None) -> Tensor:  # noqa: ARG002
        """Compress."""
        import numpy as np
        from PIL import Image

        pixels = image.mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        with BytesIO() as file:
            Image.fromarray(pixels).save(file, "JPEG", quality=round(drawn["quality"]))
            with Image.open(file) as compressed:
                return unit_range(np.asarray(compressed))


# In the order in which they affect a photograph: light, lens, sensor, file.
_CLASSES: dict[str, type[_Photometric]] = {
    "color": ColorJitter,
    "gray": Grayscale,
    "blur": Blur,
    "low_resolution": LowResolution,
    "noise": Noise,
    "jpeg": JPEGCompression,
}


def list_photometric() -> list[str]:
    """List the names that :func:`photometric` accepts, in the order in which it applies them.

    Examples:
        >>> list_photometric()
        ['color', 'gray', 'blur', 'low_resolution', 'noise', 'jpeg']
    """
    return list(_CLASSES)


def photometric(probabilities: Mapping[str, float]) -> Compose:
    """Create the transform that changes pictures with these probabilities, from light to file.

    Args:
        probabilities: Probability for each name of :func:`list_photometric`; unnamed changes are not applied.

    Returns:
        The transform.

    Raises:
        UnknownNameError: If there is no such change.
        ArgumentError: If a probability is outside [0, 1].

    Examples:
        >>> photometric({"jpeg": 0.3, "gray": 0.1})
        Compose([Grayscale(0.1), JPEGCompression(0.3)])
    """
    for name in probabilities:
        check_choice("augment", name, _CLASSES)
    chain: list[Transform] = [
        kind(probabilities[name]) for name, kind in _CLASSES.items() if name in probabilities
    ]
    return Compose(chain)


def _gray(image: Tensor) -> Tensor:
    return (image * image.new_tensor(_LUMA)[:, None, None]).sum(0, keepdim=True)
