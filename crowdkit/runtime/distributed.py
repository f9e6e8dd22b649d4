"""Multiple processes under ``torchrun``: their rank, their number, and communication between them."""

import atexit
import os
from typing import Any, NamedTuple

import torch
from torch import distributed as dist, nn
from torch.nn.parallel import DistributedDataParallel

from crowdkit.errors import ConfigError


class Process(NamedTuple):
    """This process within its group.

    Attributes:
        rank: Its number; 0 reports to the user and writes the files.
        world: The number of processes.
        device: The device it computes on.
    """

    rank: int
    world: int
    device: torch.device


def pick_device(name: str) -> torch.device:
    """Turn the name of a device into the device after checking that it exists.

    Args:
        name: ``"auto"`` (a CUDA GPU if there is one, otherwise the CPU) or a name that torch knows.

    Returns:
        The device.

    Raises:
        ConfigError: If torch does not know the name or sees no such device.

    Examples:
        >>> pick_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(
            f"device: expected 'auto', 'cpu', 'cuda' or 'cuda:N', got {name!r}; change it"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise ConfigError(
            f"device: expected a GPU that torch sees ({found} found), got {name!r}; try 'auto' or 'cpu'"
        )
    return device


def join_processes(device: str) -> Process:
    """Join the group of processes that ``torchrun`` started, once; do nothing in a single process.

    The group is destroyed when Python exits: creating a second one in the same processes would fail.

    Args:
        device: ``"auto"`` or the name of a device; ``"cuda"`` gives each process of a machine its own GPU.

    Returns:
        This process within its group.

    Examples:
        >>> join_processes("cpu")
        Process(rank=0, world=1, device=device(type='cpu'))
    """
    chosen = pick_device(device)
    if chosen == torch.device("cuda") and "LOCAL_RANK" in os.environ:
        chosen = pick_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(chosen)
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)
    return Process(rank(), world_size(), chosen)


def rank() -> int:
    """Return this process's number, 0 for a single process."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """Return the number of processes, 1 for a single process."""
    return dist.get_world_size() if dist.is_initialized() else 1


def barrier() -> None:
    """Wait until all processes have arrived here."""
    if world_size() > 1:
        dist.barrier()


def all_gather(value: Any) -> list[Any]:
    """Collect one small object from each process, in the order of their ranks.

    Args:
        value: The object of this process.

    Returns:
        One object per process.

    Examples:
        >>> all_gather(3)
        [3]
    """
    if world_size() == 1:
        return [value]
    gathered: list[Any] = [None] * world_size()
    dist.all_gather_object(gathered, value)
    return gathered


def wrap(model: nn.Module, process: Process) -> nn.Module:
    """Average a model's gradients over the processes.

    Args:
        model: The network, on the process's device.
        process: This process.

    Returns:
        The model itself in a single process, otherwise a ``DistributedDataParallel`` around it.
    """
    if process.world == 1:
        return model
    ids = [process.device.index] if process.device.type == "cuda" else None
    # An encoder of which only the first stages are used has unused parameters.
    return DistributedDataParallel(model, device_ids=ids, find_unused_parameters=True)
