"""How much memory a network takes for an image, and how much there is."""

import ctypes
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from crowdkit.counting.density import predict_density_batch
from crowdkit.models import CrowdModel

# Where neither Linux nor CUDA says how much memory is free.
_UNKNOWN = 4 * 2**30
# Convolutions lay out their input and output anew for a while.
_WORKSPACE = 1.25
# Height and width of the image that a network's memory is measured on.
PROBE_SIDE = 128


def bytes_per_pixel(model: CrowdModel, *, device: torch.device, precision: str = "float32") -> float:
    """Measure the memory that a network needs at once, a pixel of its image.

    It runs once on 128 x 128 pixels; the tensors that live at the same time are added up. A quarter is added for
    what convolutions need inside.

    Args:
        model: The network, on ``device``.
        device: Where it computes.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Returns:
        Bytes a pixel, the float32 image included.
    """
    living = _Living()
    with living:
        predict_density_batch(
            model, torch.zeros(1, 3, PROBE_SIDE, PROBE_SIDE), device=device, precision=precision
        )
    return _WORKSPACE * living.peak / PROBE_SIDE**2


def free_memory(device: torch.device) -> int:
    """Give the bytes that are free on a device.

    On a CPU: what Linux calls available, or what is left to the control group (container) if that is less; 4 GiB
    where neither is told. The processes that ``torchrun`` starts on one machine share it.

    Args:
        device: The device.

    Returns:
        Bytes.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    found = [
        bytes_
        for bytes_ in (_available(Path("/proc/meminfo")), _group(Path("/sys/fs/cgroup")))
        if bytes_ is not None
    ]
    return min(found, default=_UNKNOWN) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def trim_heap() -> None:
    """Give the system the memory of tensors that are gone.

    The C library keeps blocks under 32 MiB for later. Between the tiles of an image that is nearly half a gigabyte,
    beside which the next tile, of another size, takes what it needs anew. Does nothing without glibc.
    """
    trim: Callable[[int], int] | None = getattr(
        ctypes.CDLL(None) if os.name == "posix" else None, "malloc_trim", None
    )
    if trim is not None:
        trim(0)


def _available(file: Path) -> int | None:
    kilobytes = _table(file).get("MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def _group(folder: Path) -> int | None:
    try:
        limit = int((folder / "memory.max").read_text())  # "max" if there is none
        used = int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    # Pages of files that lie in memory only because there was room are given back when asked for.
    return max(0, limit - used + _table(folder / "memory.stat").get("inactive_file", 0))


def _table(file: Path) -> dict[str, int]:
    try:
        rows = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return {}
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}


class _Living(TorchFunctionMode):
    """Add up the tensors that live at the same time while torch computes."""

    def __init__(self) -> None:
        super().__init__()
        self.peak: int = 0
        self._alive: list[weakref.ref[Tensor]] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        made = result if isinstance(result, (tuple, list)) else (result,)
        tensors = [each for each in made if isinstance(each, Tensor) and not isinstance(each, nn.Parameter)]
        if tensors:
            self._alive = [each for each in self._alive if each() is not None]
            self._alive += [weakref.ref(each) for each in tensors]
            storages = {}
            for each in self._alive:
                if (tensor := each()) is not None:
                    storage = tensor.untyped_storage()
                    storages[storage.data_ptr()] = storage.nbytes()
            self.peak = max(self.peak, sum(storages.values()))
        return result
