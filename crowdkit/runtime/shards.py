"""Distribute many images over the processes that ``torchrun`` started, and gather all results in each of them."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, cast

from torch import distributed as dist

from crowdkit.runtime.distributed import join_processes

# Long timeout: ranks finish at different times; torchrun notices processes that have died.
_PATIENCE = timedelta(days=7)


class DistributedShards:
    """The processes that ``torchrun`` started for one job; a single process does everything.

    All processes must create it at the same point.

    Args:
        device: ``"auto"`` or the name of a device; ``"cuda"`` gives each process of a machine its own GPU.

    Attributes:
        size: The number of processes.
        leads: Whether this process reports to the user.
        device: The device this process computes on.

    Raises:
        ConfigError: If torch does not know the device or does not see it.

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
        """Select this process's share.

        Args:
            items: All items, the same in every process.

        Returns:
            This process's items, each with its index among all.
        """
        return list(enumerate(items))[self._rank :: self.size]

    def merge(self, found: Iterable[tuple[int, Any]]) -> list[tuple[int, Any]]:
        """Merge the results of all processes; all must call it.

        Args:
            found: This process's results, each with the index of its item among all.

        Returns:
            The results of all processes, by index.
        """
        gathered: list[list[tuple[int, Any]]] = [list(found)]
        if self._group is not None:
            mine = gathered[0]
            gathered = [[] for _ in range(self.size)]
            dist.all_gather_object(gathered, mine, group=self._group)
        return sorted((each for share in gathered for each in share), key=lambda each: each[0])
