"""The peak memory of a call, beyond what was held before it."""

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes(call: Callable[[], object], device: torch.device) -> int | None:
    """Measure the peak memory during a call, beyond what was held before.

    Args:
        call: The call, run once.
        device: The device whose memory is measured.

    Returns:
        Bytes; None on systems other than Linux, which do not report it.
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
    # Memory that the allocator caches would hide what the call takes.
    ctypes.CDLL(None).malloc_trim(0)
    try:
        _REFS.write_text("5")
    except OSError:
        return None
    before = _status("VmRSS")
    call()
    return max(_status("VmHWM") - before, 0)


def process_peak() -> int | None:
    """Return the peak memory of this process since its start; None on systems other than Linux.

    The value of ``resource.getrusage`` would include the process that started this one.
    """
    return _status("VmHWM") if _STATUS.exists() else None


def _status(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
