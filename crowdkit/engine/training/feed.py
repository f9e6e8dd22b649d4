"""Training batches as a pure function of (seed, epoch, index): workers and resumption change nothing."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from crowdkit.data import Compose, CrowdData, HorizontalFlip, RandomCrop, Sample
from crowdkit.engine.config import DataConfig
from crowdkit.engine.interrupt import leave_signals_to_parent
from crowdkit.engine.sources import resizing, resolve_sigma, true_map
from crowdkit.errors import ConfigError, ShapeError

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
    """Crops with their true maps, drawn by (epoch, index).

    Args:
        dataset: The training images.
        config: How to resize, crop, flip and spread.
        stride: The model's stride.
        seed: Seed of the augmentation.
    """

    def __init__(self, dataset: CrowdData, config: DataConfig, *, stride: int, seed: int) -> None:
        self.dataset = dataset
        self.stride = stride
        self.seed = seed
        self.rule = resolve_sigma(config.sigma, dataset)
        self.resize = resizing(config)
        whole = config.crop == 1
        self.augment = Compose([*([] if whole else [RandomCrop(config.crop)]), HorizontalFlip(config.flip)])

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Key) -> TrainingBatch:
        epoch, index = key
        sample = self.augment(self.whole(index), generator=generator_for(self.seed, epoch, index))
        density = true_map(sample, self.rule, self.stride)
        return TrainingBatch(sample.image, density, torch.tensor(float(len(sample.points))), [sample.points])

    def whole(self, index: int) -> Sample:
        """Give one image before augmentation, its sigmas fixed by the whole crowd.

        Args:
            index: Which one.

        Returns:
            The sample.
        """
        sample = self.resize(self.dataset[index])
        size = (int(sample.image.shape[-2]), int(sample.image.shape[-1]))
        return sample._replace(sigma=self.rule(sample.points, size))


def generator_for(*numbers: int) -> torch.Generator:
    """Make the random numbers that belong to a tuple of whole numbers, on any machine.

    Args:
        *numbers: For example seed, epoch and index.

    Returns:
        A seeded generator.

    Examples:
        >>> a, b = generator_for(0, 1, 2), generator_for(0, 1, 2)
        >>> bool(torch.rand(1, generator=a) == torch.rand(1, generator=b))
        True
    """
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)


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
