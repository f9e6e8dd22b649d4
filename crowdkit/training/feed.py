"""Training crops as a pure function of (seed, epoch, index): workers and resumption change nothing."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from crowdkit.data import (
    Batch,
    CachedDataset,
    Compose,
    CrowdData,
    HorizontalFlip,
    RandomCrop,
    RandomScaledCrop,
    Sample,
    Transform,
    collate,
    density_target,
    generator_for,
    photometric,
    resolve_sigma,
    with_sigma,
)
from crowdkit.errors import ConfigError, ShapeError
from crowdkit.runtime import leave_signals_to_parent
from crowdkit.training.config import DataConfig
from crowdkit.training.epoch_batches import EpochBatches, Key
from crowdkit.training.mixture import Mixture
from crowdkit.training.sources import data_sources, open_empty_scenes, resizing


class Example(NamedTuple):
    """One training crop and its target.

    Attributes:
        sample: The crop.
        density: Its true map at the model's stride, people per cell, shape :math:`(1, h, w)`.
    """

    sample: Sample
    density: Tensor


class TrainingSet(Dataset[Example]):
    """Crops with their true maps, drawn by (epoch, index): those of photographs, then those that show nobody.

    Args:
        sources: The training images of each of :func:`~crowdkit.training.data_sources`.
        config: How to resize, crop, flip, spread and change them.
        stride: The model's stride.
        seed: Seed of the augmentation.
        keep: Whether to keep decoded images in memory.

    Attributes:
        images: Number of training images.
    """

    def __init__(
        self, sources: Sequence[CrowdData], config: DataConfig, *, stride: int, seed: int, keep: bool = False
    ) -> None:
        self.sources: list[CrowdData] = [CachedDataset(each) for each in sources] if keep else list(sources)
        parts = data_sources(config)
        self.rules = [resolve_sigma(part.sigma, each) for part, each in zip(parts, self.sources, strict=True)]
        self.mixture = Mixture(self.sources, parts, length=config.epoch_crops, seed=seed)
        self.stride = stride
        self.seed = seed
        self.resize = resizing(config)
        self.cut = _cutting(config)
        self.change = Compose([HorizontalFlip(config.flip), photometric(config.augment)])
        self.images = sum(map(len, self.sources))
        self.empty_scenes = open_empty_scenes(self.sources, config) if config.empty_scenes else None
        self._length = round(len(self.mixture) / (1 - config.empty_scenes))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, key: Key) -> Example:
        epoch, index = key
        generator = generator_for(self.seed, epoch, index)
        if index < len(self.mixture):
            source, number = self.mixture.image(epoch, index)
            sample, rule = self.cut(self.whole(source, number), generator), self.rules[source]
        elif self.empty_scenes is not None:
            sample, rule = self.empty_scenes.draw(generator), self.rules[0]
        else:
            raise IndexError(f"index: expected one of {len(self)} crops, got {index}")
        sample = with_sigma(self.change(sample, generator), rule)
        return Example(sample._replace(roi=None), density_target(sample, rule, self.stride))

    def whole(self, source: int, number: int) -> Sample:
        """Return one image before augmentation, its sigmas fixed by its boxes or the whole crowd.

        Args:
            source: Which data set.
            number: Which of its images.

        Returns:
            The sample.
        """
        return with_sigma(self.resize(self.sources[source][number]), self.rules[source])


def _cutting(config: DataConfig) -> Transform:
    if config.scale is None:
        return Compose([] if config.crop == 1 else [RandomCrop(config.crop)])
    if isinstance(config.crop, float):
        raise ConfigError(
            f"data.crop: expected [height, width] with data.scale, got the fraction {config.crop}; change it"
        )
    return RandomScaledCrop(config.crop, scale=config.scale)


def collate_examples(examples: Sequence[Example]) -> Batch:
    """Join crops of one size into a batch with its targets.

    Args:
        examples: The crops.

    Returns:
        The batch, with ``density``.

    Raises:
        ShapeError: If the crops differ in size.
    """
    sizes = {tuple(each.sample.image.shape[-2:]) for each in examples}
    if len(sizes) > 1:
        raise ShapeError(
            f"batch: expected crops of one size, got {sorted(sizes)}; set data.crop = [height, width] for "
            "images of different sizes, or run.batch_size = 1"
        )
    batch = collate([each.sample for each in examples])
    return batch._replace(density=torch.stack([each.density for each in examples]))


def training_loader(
    dataset: TrainingSet, batches: EpochBatches, *, workers: int, pin: bool
) -> DataLoader[Batch]:
    """Make the loader of training batches.

    Args:
        dataset: The crops.
        batches: Their order; move it with ``at`` before every pass.
        workers: Loading processes.
        pin: Whether to pin memory for a GPU.

    Returns:
        The loader.
    """
    return DataLoader(
        dataset,  # type: ignore[arg-type]  # collated, an Example becomes a Batch
        batch_sampler=batches,
        collate_fn=collate_examples,
        num_workers=workers,
        pin_memory=pin,
        persistent_workers=workers > 0,
        worker_init_fn=leave_signals_to_parent,
        generator=torch.Generator(),  # else every pass draws from the global random numbers
    )
