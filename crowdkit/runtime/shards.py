"""Many images over the processes that ``torchrun`` started: everyone takes a share, all get the whole."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, cast

from torch import distributed as dist

from crowdkit.runtime.distributed import join_processes

# Nobody is given up because the others have finished their shares; torchrun notices who has died.
_PATIENCE = timedelta(days=7)


class DistributedShards:
    """The processes that ``torchrun`` started for one job; alone, one that does everything.

    Made by all of them at the same place.

    Args:
        device: ``"auto"`` or the name of a device; ``"cuda"`` gives each process of a machine its own GPU.

    Attributes:
        size: How many they are.
        leads: Whether this is the one that talks to the user.
        device: Where this one computes.

    Raises:
        ConfigError: If torch does not know the device or sees no such one.

    Examples:
        >>> crew = DistributedShards("cpu")
        >>> crew.share(["a", "b", "c"])
        [(0, 'a'), (1, 'b'), (2, 'c')]
        >>> crew.merge([(1, "B"), (0, "A")])
        [(0, 'A'), (1, 'B')]
    """

    def __init__(self, device: str = "auto") -> None:
        rank, self.size, self.device = join_processes(device)
        self.leads = rank == 0
        self._rank = rank
        self._group: dist.ProcessGroup | None = None
        if self.size > 1:
            # Results are small and on the CPU, whatever the device of the work.
            self._group = cast(dist.ProcessGroup, dist.new_group(backend="gloo", timeout=_PATIENCE))

    def share(self, items: Sequence[Any]) -> list[tuple[int, Any]]:
        """Take this process's share.

        Args:
            items: All, the same in every process.

        Returns:
            Every item that is this process's, after its place among all.
        """
        return list(enumerate(items))[self._rank :: self.size]

    def merge(self, found: Iterable[tuple[int, Any]]) -> list[tuple[int, Any]]:
        """Put together what the processes found; all must call it.

        Args:
            found: This process's results, each after the place of its item among all.

        Returns:
            Everybody's, by place.
        """
        gathered: list[list[tuple[int, Any]]] = [list(found)]
        if self._group is not None:
            mine = gathered[0]
            gathered = [[] for _ in range(self.size)]
            dist.all_gather_object(gathered, mine, group=self._group)
        return sorted((each for share in gathered for each in share), key=lambda each: each[0])
