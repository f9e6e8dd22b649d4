"""Training batches as a pure function of (seed, epoch, index): workers and resumption change nothing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from crowdkit.data import (
    CachedDataset,
    Compose,
    CrowdData,
    EmptyScenes,
    HorizontalFlip,
    RandomCrop,
    RandomScaledCrop,
    Sample,
    Transform,
    generator_for,
    photometric,
    resolve_sigma,
    true_map,
)
from crowdkit.errors import ConfigError, ShapeError
from crowdkit.runtime import leave_signals_to_parent
from crowdkit.training.config import DataConfig
from crowdkit.training.mixture import Mixture
from crowdkit.training.sources import data_sources, resizing

Key = tuple[int, int]  # epoch, index


class TrainingBatch(NamedTuple):
    """What one step learns from.

    Attributes:
        images: Shape :math:`(B, 3, H, W)`.
        density: True maps at the model's stride, shape :math:`(B, 1, h, w)`.
        people: How many in each crop, shape :math:`(B,)`.
        points: The heads (x, y) of each crop, each :math:`(N, 2)`.
    """

    images: Tensor
    density: Tensor
    people: Tensor
    points: list[Tensor]


class TrainingSet(Dataset[TrainingBatch]):
    """Crops with their true maps, drawn by (epoch, index): those of photographs, then those that show nobody.

    Args:
        sources: The training images of each of :func:`~crowdkit.training.sources.data_sources`.
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

    def __getitem__(self, key: Key) -> TrainingBatch:
        epoch, index = key
        generator = generator_for(self.seed, epoch, index)
        if index < len(self.mixture):
            source, number = self.mixture.image(epoch, index)
            sample, rule = self.cut(self.whole(source, number), generator), self.rules[source]
        elif self.empty_scenes is not None:
            sample, rule = self.empty_scenes.draw(generator), self.rules[0]
        else:
            raise IndexError(f"index: expected one of {len(self)} crops, got {index}")
        sample = self.change(sample, generator)
        density = true_map(sample, rule, self.stride)
        return TrainingBatch(sample.image, density, torch.tensor(float(len(sample.points))), [sample.points])

    def whole(self, source: int, number: int) -> Sample:
        """Give one image before augmentation, its sigmas fixed by its boxes or the whole crowd.

        Args:
            source: Which data set.
            number: Which of its images.

        Returns:
            The sample.
        """
        sample = self.resize(self.sources[source][number])
        if sample.sigma is not None:
            return sample
        size = (int(sample.image.shape[-2]), int(sample.image.shape[-1]))
        return sample._replace(sigma=self.rules[source](sample.points, size))


def open_empty_scenes(
    sources: Sequence[CrowdData], config: DataConfig, *, split: str = "train"
) -> EmptyScenes:
    """Make the images without people that belong to a configuration.

    Args:
        sources: Where headless windows are cut.
        config: The data section; its ``crop`` is (height, width).
        split: ``"train"``, or ``"val"`` for those that are counted at every validation.

    Returns:
        The images; by number they are always the same.

    Raises:
        ConfigError: If ``crop`` is a fraction.
    """
    if isinstance(config.crop, float):
        raise ConfigError(
            f"data.crop: expected [height, width] with data.empty_scenes, got the fraction {config.crop}; change it"
        )
    return EmptyScenes(
        sources,
        sigma=[each.sigma for each in data_sources(config)],
        size=config.crop,
        scale=config.scale or (1.0, 1.0),
        split=split,
    )


def _cutting(config: DataConfig) -> Transform:
    if config.scale is None:
        return Compose([] if config.crop == 1 else [RandomCrop(config.crop)])
    if isinstance(config.crop, float):
        raise ConfigError(
            f"data.crop: expected [height, width] with data.scale, got the fraction {config.crop}; change it"
        )
    return RandomScaledCrop(config.crop, scale=config.scale)


class EpochBatches(Sampler[list[Key]]):
    """Batches of keys of one epoch for one process; every process sees equally many, none sees another's.

    What does not fill a batch on every process is left out of this epoch; the order changes with the next.

    Args:
        length: Number of images.
        batch_size: Images a batch, on each process.
        seed: Seed of the order.
        rank: This process.
        world: Number of processes.

    Raises:
        ConfigError: If there are fewer images than one batch on every process.

    Examples:
        >>> batches = EpochBatches(5, batch_size=2, seed=0)
        >>> len(batches), sorted(len(batch) for batch in batches)
        (2, [2, 2])
    """

    def __init__(self, length: int, *, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        if length < batch_size * world:
            raise ConfigError(
                f"run.batch_size: expected at most {length // world} ({length} training images, "
                f"{world} processes), got {batch_size}; lower it"
            )
        self.length, self.batch_size, self.seed, self.rank, self.world = length, batch_size, seed, rank, world
        self.epoch = 0
        self.start = 0

    def __len__(self) -> int:
        return self.length // (self.batch_size * self.world)

    def __iter__(self) -> Iterator[list[Key]]:
        order = torch.randperm(self.length, generator=generator_for(self.seed, self.epoch)).tolist()
        mine = order[self.rank :: self.world]
        for batch in range(self.start, len(self)):
            first = batch * self.batch_size
            yield [(self.epoch, index) for index in mine[first : first + self.batch_size]]

    def at(self, epoch: int, batch: int) -> None:
        """Say where the next pass begins.

        Args:
            epoch: The epoch.
            batch: Batches of it to pass over.
        """
        self.epoch, self.start = epoch, batch


def stack(items: list[TrainingBatch]) -> TrainingBatch:
    """Join crops of one size into a batch.

    Args:
        items: The crops.

    Returns:
        The batch.

    Raises:
        ShapeError: If the crops differ in size.
    """
    sizes = {tuple(each.images.shape[-2:]) for each in items}
    if len(sizes) > 1:
        raise ShapeError(
            f"batch: expected crops of one size, got {sorted(sizes)}; set data.crop = [height, width] for "
            "images of different sizes, or run.batch_size = 1"
        )
    return TrainingBatch(
        torch.stack([each.images for each in items]),
        torch.stack([each.density for each in items]),
        torch.stack([each.people for each in items]),
        [points for each in items for points in each.points],
    )


def training_loader(
    dataset: TrainingSet, batches: EpochBatches, *, workers: int, pin: bool
) -> DataLoader[TrainingBatch]:
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
        dataset,
        batch_sampler=batches,
        collate_fn=stack,
        num_workers=workers,
        pin_memory=pin,
        persistent_workers=workers > 0,
        worker_init_fn=leave_signals_to_parent,
        generator=torch.Generator(),  # else every pass draws from the global random numbers
    )
