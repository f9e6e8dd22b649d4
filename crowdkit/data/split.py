"""Set part of the training images aside for validation, so that models are not selected on the test set."""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from crowdkit.data.datasets.base import CrowdData, natural_key, region_of_interest
from crowdkit.data.sample import Annotation, Sample
from crowdkit.data.transforms import Transform
from crowdkit.errors import ArgumentError


class Subset(Dataset[Sample]):
    """A selection of a data set's images, itself a data set.

    Args:
        dataset: The data set they come from.
        indices: Indices of the images, in this order.
        split: The name of the part; ``None`` for the data set's own split.
        transform: Applied to every sample, with torch's global generator.
    """

    def __init__(
        self,
        dataset: CrowdData,
        indices: list[int],
        *,
        split: str | None = None,
        transform: Transform | None = None,
    ) -> None:
        self.dataset = dataset
        self.indices = list(indices)
        self.split = dataset.split if split is None else split
        self.transform = transform
        self.name = dataset.name
        self.sigma_rule = dataset.sigma_rule
        self.names = [dataset.names[index] for index in self.indices]

    def annotation(self, index: int) -> Annotation:
        """Read the heads of one image, untransformed, without decoding it."""
        return self.dataset.annotation(self.indices[index])

    def size(self, index: int) -> tuple[int, int]:
        """Return height and width of one image, untransformed, without decoding it."""
        return self.dataset.size(self.indices[index])

    def count(self, index: int) -> int:
        """Return the number of heads of one image, untransformed."""
        return self.dataset.count(self.indices[index])

    def roi(self, index: int) -> Tensor | None:
        """Return the region of interest of one image, untransformed; ``None`` means everywhere."""
        return region_of_interest(self.dataset, self.indices[index])

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        sample = self.dataset[self.indices[index]]
        sample = sample._replace(meta={**sample.meta, "split": self.split})
        return sample if self.transform is None else self.transform(sample)

    def __repr__(self) -> str:
        return f"Subset({self.name!r}, split={self.split!r}, {len(self)} images)"


def split_train_val(
    dataset: CrowdData, *, fraction: float = 0.1, seed: int | None = None
) -> tuple[Subset, Subset]:
    """Split training images into a training and a validation part.

    Args:
        dataset: A training split.
        fraction: Fraction of the images set aside, in (0, 0.5].
        seed: ``None`` sets aside every ``round(1 / fraction)``-th image in the natural order of the names, starting
            with the first; a number draws the images at random.

    Returns:
        The training part and the validation part, both in natural order of the names.

    Raises:
        ArgumentError: If the data set is a test split or has fewer than two images.
    """
    if dataset.split == "test":
        raise ArgumentError(
            "dataset: expected a training split, got a test split; a model selected on test images has "
            "no honest test figure, so split the training images"
        )
    if not 0 < fraction <= 0.5:
        raise ArgumentError(f"fraction: expected a number in (0, 0.5], got {fraction!r}")
    total = len(dataset)
    if total < 2:
        raise ArgumentError(f"dataset: expected at least two images, got {total}")
    ordered = sorted(range(total), key=lambda index: natural_key(dataset.names[index]))
    if seed is None:
        places = set(range(0, total, round(1 / fraction)))
    else:
        drawn = torch.randperm(total, generator=torch.Generator().manual_seed(seed))
        places = set(drawn[: max(1, round(fraction * total))].tolist())
    train = [index for place, index in enumerate(ordered) if place not in places]
    val = [index for place, index in enumerate(ordered) if place in places]
    return Subset(dataset, train, split="train"), Subset(dataset, val, split="val")
