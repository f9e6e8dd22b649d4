"""Decoded images, kept in memory."""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from crowdkit.data.datasets.base import CrowdData, region_of_interest
from crowdkit.data.sample import Annotation, Sample


class CachedDataset(Dataset[Sample]):
    """Images that are decoded or drawn once and kept in memory, as bytes wherever that loses nothing.

    Args:
        images: Where they come from.
    """

    def __init__(self, images: CrowdData) -> None:
        self.images = images
        self.name, self.split, self.names = images.name, images.split, images.names
        self.sigma_rule = images.sigma_rule
        self._kept: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        if index not in self._kept:
            sample = self.images[index]
            packed = sample.image.mul(255).round().to(torch.uint8)
            exact = torch.equal(_unpacked(packed), sample.image)
            self._kept[index] = sample._replace(image=packed if exact else sample.image)
        sample = self._kept[index]
        return sample._replace(image=_unpacked(sample.image))

    def annotation(self, index: int) -> Annotation:
        """Read the heads of one image."""
        return self.images.annotation(index)

    def size(self, index: int) -> tuple[int, int]:
        """Give height and width of one image."""
        return self.images.size(index)

    def count(self, index: int) -> int:
        """Give the number of heads of one image."""
        return self.images.count(index)

    def roi(self, index: int) -> Tensor | None:
        """Give the region of interest of one image; ``None`` is everywhere."""
        return region_of_interest(self.images, index)


def _unpacked(image: Tensor) -> Tensor:
    return image.to(torch.float32).div_(255) if image.dtype == torch.uint8 else image.clone()
