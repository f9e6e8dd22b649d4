"""Multiple processes under ``torchrun``: their rank, their number, and communication between them."""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import torch
from torch import distributed as dist, nn
from torch.nn.parallel import DistributedDataParallel

from crowdkit.errors import ConfigError, LostPeerError, PeerError


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
    if device.type not in ("cpu", "cuda"):
        try:
            torch.zeros(1, device=device).cpu()
        except (RuntimeError, AssertionError, ImportError) as error:
            raise ConfigError(
                f"device: expected one that this torch computes on, got {name!r}; try 'auto' or 'cpu'"
            ) from error
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


@contextmanager
def all_or_none() -> Iterator[None]:
    """Run a block in every process; if it fails in one, it fails in all, and the first of them says why.

    The block must not wait for other processes.

    Raises:
        PeerError: In the processes that have nothing to say.
    """
    error: Exception | None = None
    try:
        yield
    except Exception as caught:
        error = caught
    failed = [number for number, bad in enumerate(all_gather(error is not None)) if bad]
    if not failed:
        return
    if error is not None and failed[0] == rank():
        raise error
    raise PeerError(
        f"process {rank()}: expected all to go on, got an error in process {failed[0]}, which says why"
    )


@contextmanager
def noticing_lost_peers(advice: str) -> Iterator[None]:
    """Turn the end of the connection to another process, which is how its death is seen, into one line.

    Args:
        advice: What to do, for the user.

    Raises:
        LostPeerError: In the first process that notices.
        PeerError: In all others.
    """
    try:
        yield
    except RuntimeError as error:
        text = str(error).lower()
        if world_size() == 1 or not (isinstance(error, dist.DistError) or "gloo" in text or "nccl" in text):
            raise
        if _first_to_speak():
            raise LostPeerError(
                f"processes: expected {world_size()}, got the death of one; {advice}"
            ) from error
        raise PeerError(
            f"process {rank()}: expected {world_size()} processes, got the death of one"
        ) from error


def _first_to_speak() -> bool:
    """Whether no other process has asked this; torchrun's store outlives the processes."""
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            wait_for_workers=False,
            timeout=timedelta(seconds=5),
        )
        return int(store.add("crowdkit/lost_peer", 1)) == 1
    except (KeyError, ValueError, RuntimeError):
        return True


def launch_command(command: str) -> str:
    """Return the command line that starts a ``crowdkit`` command as these processes were started.

    Args:
        command: The command and its arguments, for example ``"train config.toml"``.

    Returns:
        One line for a shell, with ``torchrun`` if there are several processes.

    Examples:
        >>> launch_command("train config.toml")
        'crowdkit train config.toml'
    """
    world = world_size()
    if world == 1:
        return f"crowdkit {command}"
    here = int(os.environ.get("LOCAL_WORLD_SIZE", world))
    machines = f"--nnodes={world // here} " if world > here else ""
    return f"torchrun {machines}--nproc-per-node={here} -m crowdkit.cli {command}"


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
