"""Many images over the processes that ``torchrun`` started: everyone takes a share, all get the whole."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TypeVar, cast

from torch import distributed as dist

from crowdkit.engine.distributed import rank, world_size

Item = TypeVar("Item")

# Nobody is given up because the others have finished their shares; torchrun notices who has died.
_PATIENCE = timedelta(days=7)


class Crew:
    """The processes of one job; alone, one that does everything.

    Made by all processes at the same place, after :func:`~crowdkit.engine.distributed.join_processes`.

    Examples:
        >>> crew = Crew()
        >>> list(crew.share(["a", "b", "c"]))
        [(0, 'a'), (1, 'b'), (2, 'c')]
        >>> crew.merge([(1, "B"), (0, "A")])
        [(0, 'A'), (1, 'B')]
    """

    def __init__(self) -> None:
        # Results are small and on the CPU, whatever the device of the others' work.
        self._group: dist.ProcessGroup | None = None
        if world_size() > 1:
            self._group = cast(dist.ProcessGroup, dist.new_group(backend="gloo", timeout=_PATIENCE))

    @property
    def size(self) -> int:
        """Number of processes."""
        return world_size()

    @property
    def leads(self) -> bool:
        """Whether this is the process that talks to the user."""
        return rank() == 0

    def share(self, items: Sequence[Item]) -> list[tuple[int, Item]]:
        """Take this process's share.

        Args:
            items: All, the same in every process.

        Returns:
            Every item that is this process's, after its place among all.
        """
        return list(enumerate(items))[rank() :: world_size()]

    def merge(self, found: Iterable[tuple[int, Item]]) -> list[tuple[int, Item]]:
        """Put together what the processes found; everyone must call it.

        Args:
            found: This process's results, each after the place of its item among all.

        Returns:
            Everybody's, by place.
        """
        mine = list(found)
        gathered: list[list[tuple[int, Item]]] = [mine]
        if self._group is not None:
            gathered = [[] for _ in range(world_size())]
            dist.all_gather_object(gathered, mine, group=self._group)
        return sorted((each for share in gathered for each in share), key=lambda each: each[0])
