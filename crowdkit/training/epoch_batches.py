"""The order of an epoch: batches of keys as a pure function of seed, epoch and process."""

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from crowdkit.data import generator_for
from crowdkit.errors import ConfigError

Key = tuple[int, int]  # epoch, index


class EpochBatches(Sampler[list[Key]]):
    """Batches of keys of one epoch for one process; every process sees equally many, none sees another's.

    What does not fill a batch on every process is left out of this epoch; the order changes with the next.

    Args:
        length: Number of images.
        batch_size: Images per batch, on each process.
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
