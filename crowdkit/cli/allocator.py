"""How the C library of a process that is the command's own keeps memory."""

import ctypes
import os

# Numbers of <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES, _FREE_BYTES = 64 * 2**20, 2**30


def keep_freed_memory() -> None:
    """Let freed blocks of up to 64 MiB be used again, where glibc gives them back to the system above 32 MiB.

    A network asks for its feature maps anew for every image, and the system clears every page that it hands
    out. Larger blocks are given back as before, so that images counted in tiles take what they should. Does
    nothing without glibc, or if the environment says how (``MALLOC_MMAP_THRESHOLD_``).
    """
    library = ctypes.CDLL(None) if os.name == "posix" else None
    mallopt = getattr(library, "mallopt", None)
    if mallopt is None or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
    mallopt(_TRIM_THRESHOLD, _FREE_BYTES)
