"""Images without people: headless windows of photographs, and clutter that looks like heads."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from crowdkit.data.datasets.base import CrowdData
from crowdkit.data.randomness import generator_for
from crowdkit.data.sample import Annotation, Sample
from crowdkit.data.scaled_crop import RandomScaledCrop
from crowdkit.data.synthetic import SyntheticCrowd
from crowdkit.data.transforms import crop, draw, resize
from crowdkit.data.truth import resolve_sigma
from crowdkit.targets import SigmaRule

_TRIES = 100  # windows looked at before clutter is taken instead
_MARGIN = 2.0  # how far a window keeps from a head, in that head's sigmas
_SCENES = 1 << 16


class EmptyScenes(Dataset[Sample]):
    """Images of one size in which nobody is: one half drawn clutter, one half headless windows of photographs.

    A window keeps two sigmas away from every head of its photograph. Where none is found in a hundred tries,
    clutter stands in.

    Args:
        sources: Where windows are cut, each as often as the others.
        sigma: As in the configuration, one per source: what says how near a head is.
        size: (height, width) of the images, in pixels.
        scale: Smallest and largest magnification of a window.
        length: How many there are when they are asked for by number.
        seed: Names the images.
        split: Whose clutter: ``"train"`` and ``"val"`` share no scene.
    """

    name = "empty scenes"
    sigma_rule = "cfanet"

    def __init__(
        self,
        sources: Sequence[CrowdData],
        *,
        sigma: Sequence[float | str],
        size: tuple[int, int],
        scale: tuple[float, float] = (1.0, 1.0),
        length: int = 32,
        seed: int = 0,
        split: str = "train",
    ) -> None:
        self.sources = list(sources)
        self.rules: list[SigmaRule] = [
            resolve_sigma(own, each) for own, each in zip(sigma, self.sources, strict=True)
        ]
        self.window = RandomScaledCrop(size, scale=scale)
        self.clutter = SyntheticCrowd(_SCENES, size=size, people=(0, 0), seed=seed, split=split)
        self.seed, self.split = seed, split
        self._known: dict[tuple[int, int], tuple[tuple[int, int], Tensor]] = {}
        self.names = [f"empty_{number}" for number in range(length)]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        sample = self.draw(generator_for(self.seed, index))
        return sample._replace(meta={**sample.meta, "name": self.names[index], "split": self.split})

    def annotation(self, index: int) -> Annotation:  # noqa: ARG002
        """Give no heads."""
        return Annotation(torch.zeros(0, 2))

    def size(self, index: int) -> tuple[int, int]:  # noqa: ARG002
        """Give height and width."""
        return self.window.size

    def count(self, index: int) -> int:  # noqa: ARG002
        """Give 0."""
        return 0

    def draw(self, generator: torch.Generator) -> Sample:
        """Make the image that belongs to the state of a generator.

        Args:
            generator: Where every choice comes from.

        Returns:
            The sample; it has no heads and no sigmas.
        """
        if float(torch.rand((), generator=generator)) < 0.5:
            window = self._headless(generator)
            if window is not None:
                return window
        return self.clutter[draw(_SCENES - 1, generator)]

    def _headless(self, generator: torch.Generator) -> Sample | None:
        number = draw(len(self.sources) - 1, generator)
        source, rule = self.sources[number], self.rules[number]
        for _ in range(_TRIES):
            index = draw(len(source) - 1, generator)
            (H, W), points = self._facts(number, index)
            height, width = self.window.window((H, W), generator)
            top, left = draw(H - height, generator), draw(W - width, generator)
            if height > H or width > W:
                continue
            place = (top, left, height, width)
            # The rule for sigma is the slow part: it is asked where nobody is inside.
            if _near(points, 0.0, place) or _near(points, _MARGIN * rule(points, (H, W)), place):
                continue
            window = source[index]._replace(roi=None)
            return resize(crop(window, top=top, left=left, height=height, width=width), self.window.size)
        return None

    def _facts(self, number: int, index: int) -> tuple[tuple[int, int], Tensor]:
        """Give size and heads of one image of a source, read once: most windows that are looked at have heads."""
        if (number, index) not in self._known:
            source = self.sources[number]
            self._known[number, index] = source.size(index), source.annotation(index).points
        return self._known[number, index]


def _near(points: Tensor, reach: Tensor | float, window: tuple[int, int, int, int]) -> bool:
    """Say whether a head lies in a window (top, left, height, width) that is widened by its reach."""
    top, left, height, width = window
    x, y = points.unbind(1)
    across = (x > left - reach) & (x < left + width + reach)
    return bool((across & (y > top - reach) & (y < top + height + reach)).any())
