"""The memory that a call needs at its worst, beyond what was held before it."""

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes(call: Callable[[], object], device: torch.device) -> int | None:
    """Measure the most memory held during a call, beyond what was held before.

    Args:
        call: What to run, once.
        device: Where its memory is.

    Returns:
        Bytes; None where the system does not tell (other systems than Linux).
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    if not _REFS.exists():
        return None
    # What the allocator keeps for later would hide what the call takes.
    ctypes.CDLL(None).malloc_trim(0)
    try:
        _REFS.write_text("5")
    except OSError:
        return None
    before = _status("VmRSS")
    call()
    return max(_status("VmHWM") - before, 0)


def process_peak() -> int | None:
    """Give the most memory that this process has held since its start; None on other systems than Linux.

    What ``resource.getrusage`` gives would count the process that started this one.
    """
    return _status("VmHWM") if _STATUS.exists() else None


def _status(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
