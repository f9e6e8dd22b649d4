"""Several processes under ``torchrun``: who am I, how many are we, and talking to one another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from crowdkit.errors import ConfigError


class Process(NamedTuple):
    """This process among the others.

    Attributes:
        rank: Its number; 0 talks to the user and writes the files.
        world: How many there are.
        device: Where it computes.
    """

    rank: int
    world: int
    device: torch.device


def pick_device(name: str) -> torch.device:
    """Turn the name of a device into the device, checking that it is there.

    Args:
        name: ``"auto"`` (a CUDA GPU if there is one, else the CPU) or a name that torch knows.

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


@contextmanager
def process_group(device: str) -> Iterator[Process]:
    """Join the processes that ``torchrun`` started; alone, do nothing.

    Args:
        device: ``"auto"`` or the name of a device; ``"cuda"`` gives each process of a machine its own GPU.

    Yields:
        This process among the others.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ or dist.is_initialized():
        yield Process(rank(), world_size(), pick_device(device))
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    chosen = pick_device(device)
    if chosen == torch.device("cuda"):
        chosen = pick_device(f"cuda:{local}")
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Process(dist.get_rank(), dist.get_world_size(), chosen)
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Give this process's number, 0 when alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """Give the number of processes, 1 when alone."""
    return dist.get_world_size() if dist.is_initialized() else 1


def barrier() -> None:
    """Wait until all processes are here."""
    if world_size() > 1:
        dist.barrier()


def all_gather(value: Any) -> list[Any]:
    """Collect one small object from each process, in the order of their ranks.

    Args:
        value: What this process gives.

    Returns:
        One object a process.

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
    """Let a model's gradients be averaged over the processes.

    Args:
        model: The network, on the process's device.
        process: This process.

    Returns:
        The model itself when alone, else a ``DistributedDataParallel`` around it.
    """
    if process.world == 1:
        return model
    ids = [process.device.index] if process.device.type == "cuda" else None
    return DistributedDataParallel(model, device_ids=ids)
