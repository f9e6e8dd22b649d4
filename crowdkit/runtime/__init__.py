"""The environment a network runs in: processes, devices, number formats, and signals that stop it."""

from crowdkit import _guard as _guard
from crowdkit.runtime.distributed import (
    Process,
    all_gather as all_gather,
    all_or_none as all_or_none,
    barrier as barrier,
    join_processes,
    launch_command as launch_command,
    noticing_lost_peers as noticing_lost_peers,
    pick_device,
    rank as rank,
    world_size as world_size,
    wrap as wrap,
)
from crowdkit.runtime.interrupt import (
    StopRequest as StopRequest,
    TrainingInterrupted,
    leave_signals_to_parent as leave_signals_to_parent,
)
from crowdkit.runtime.precision import autocast, to_device as to_device
from crowdkit.runtime.shards import DistributedShards

__all__ = [
    "DistributedShards",
    "Process",
    "TrainingInterrupted",
    "autocast",
    "join_processes",
    "pick_device",
]
