"""Procedural crowd scenes with exact heads: data for demos, tests and examples, without a download."""

from random import Random

import torch
from torch import Tensor
from torch.utils.data import Dataset

from crowdkit.data._scenes import Camera, Person, place_people, render
from crowdkit.data.sample import Annotation, Sample
from crowdkit.data.transforms import Transform
from crowdkit.errors import ArgumentError, check_choice


class SyntheticCrowd(Dataset[Sample]):
    """Synthetic crowd scenes with perspective, occlusion, texture, uneven light and head-like clutter.

    Each scene has its own camera, clusters and empty lanes, people of varied appearance drawn from far to near, and
    clutter that resembles heads: balls, balloons, lamps, bollards, bushes, stones, round windows, dotted posters and
    wheels. Some scenes have no people, some are grayscale. A model that counts round objects also counts the clutter.

    Scene ``i`` depends only on ``(seed, split, i)``, ``size`` and ``people``: no global generator, font or file is
    read. The heads come from Python's own generator and are the same everywhere. The pixels are drawn by Pillow in
    integers and are the same for the same release of Pillow (up to one gray level, because processors may round
    differently). Data sets of different lengths share their first scenes.

    Every point is the center of a drawn head, on the canvas. A person whose head would be about two thirds hidden by
    nearer people is moved elsewhere or, where there is no room, left out. So all drawn heads are annotated, and
    ``clutter`` changes none of them.

    Args:
        length: Number of scenes.
        size: Height and width of the pictures, in pixels, at least 32 each.
        people: Minimum and maximum number of people requested per scene; small numbers are more frequent. With a
            minimum of 0, about one scene in sixteen is empty. A scene too dense for its size may get fewer.
        seed: Seed of all scenes; another seed gives other scenes.
        split: ``"train"``, ``"val"`` or ``"test"``; they share no scene.
        clutter: Whether to add objects that look like heads.
        transform: Applied to every sample, with torch's global generator.

    Attributes:
        name: ``"SyntheticCrowd"``.
        names: A name for every scene.
        sigma_rule: The preset of :func:`~crowdkit.targets.sigma_rule` that matches the size of the heads.

    Raises:
        ArgumentError: If a number is out of range.
        UnknownNameError: If ``split`` is not one of the three.

    Examples:
        >>> scenes = SyntheticCrowd(4, size=(96, 128), people=(5, 20))
        >>> sample = scenes[0]
        >>> tuple(sample.image.shape), len(sample.points) == scenes.count(0)
        ((3, 96, 128), True)
    """

    name = "SyntheticCrowd"
    sigma_rule = "cfanet-mall"  # 3 pixels: heads here have a radius of 1.4 to about 10

    def __init__(
        self,
        length: int,
        *,
        size: tuple[int, int] = (192, 256),
        people: tuple[int, int] = (0, 120),
        seed: int = 0,
        split: str = "train",
        clutter: bool = True,
        transform: Transform | None = None,
    ) -> None:
        if length < 1:
            raise ArgumentError(f"length: expected at least 1, got {length}; how many scenes do you want?")
        if len(size) != 2 or min(size) < 32:
            raise ArgumentError(f"size: expected (height, width) of at least 32 pixels, got {size}")
        if len(people) != 2 or not 0 <= people[0] <= people[1]:
            raise ArgumentError(f"people: expected (fewest, most) with 0 <= fewest <= most, got {people}")
        check_choice("split", split, ("train", "val", "test"))
        self.canvas = (int(size[0]), int(size[1]))
        self.people = (int(people[0]), int(people[1]))
        self.seed = seed
        self.split = split
        self.clutter = clutter
        self.transform = transform
        self.names = [f"{split}_{index:05d}" for index in range(length)]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        """Draw a scene."""
        index = self._check(index)
        camera, people = self._scene(index)
        pixels = torch.from_numpy(render(self._key(index), camera, people, clutter=self.clutter))
        meta = {
            "name": self.names[index],
            "path": "",
            "dataset": self.name,
            "split": self.split,
            "clamped": 0,
            "dropped": 0,
        }
        image = pixels.permute(2, 0, 1).to(torch.float32).div_(255).contiguous()
        sample = Sample(image=image, points=_points(people), meta=meta)
        return sample if self.transform is None else self.transform(sample)

    def annotation(self, index: int) -> Annotation:
        """Return the heads of a scene without drawing it."""
        return Annotation(_points(self._scene(self._check(index))[1]))

    def size(self, index: int) -> tuple[int, int]:
        """Return the height and width of a scene."""
        self._check(index)
        return self.canvas

    def count(self, index: int) -> int:
        """Return the number of people in a scene without drawing it."""
        return len(self._scene(self._check(index))[1])

    def _check(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index: expected one of {len(self)} scenes, got {index}")
        return index % len(self)

    def _key(self, index: int) -> str:
        return f"{self.seed}/{self.split}/{index}"

    def _scene(self, index: int) -> tuple[Camera, list[Person]]:
        rng = Random(f"{self._key(index)}/layout")  # noqa: S311 - a picture, not a secret
        fewest, most = self.people
        wanted = fewest + round((most - fewest) * rng.random() ** 1.4)
        if rng.random() < 1 / 16 and fewest == 0:
            wanted = 0
        camera = Camera.draw(rng, self.canvas, wanted)
        return camera, place_people(rng, camera, wanted)


def _points(people: list[Person]) -> Tensor:
    return torch.tensor([(each.x, each.y) for each in people], dtype=torch.float32).reshape(-1, 2)
