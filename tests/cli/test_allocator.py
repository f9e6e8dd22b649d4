"""The command keeps freed memory for the next image."""

import os
import platform
import subprocess
import sys

import pytest

# Blocks of 48 MiB, which glibc would map anew each time: 12,288 pages of 4 KiB.
FAULTS = """
import resource
import numpy as np
from crowdkit.cli.allocator import keep_freed_memory

if {keep}:
    keep_freed_memory()
np.ones(48 * 2**20, np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    np.ones(48 * 2**20, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, keep, **environment):
    code = FAULTS.format(keep=keep)
    given = {**os.environ, "NUMPY_MADVISE_HUGEPAGE": "0", **environment}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=given)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library decides what it keeps")
def test_pages_are_not_asked_for_anew():
    assert faults(keep=False) > 4 * 12_000
    assert faults(keep=True) < 1_000
    assert faults(keep=True, MALLOC_MMAP_THRESHOLD_="1048576") > 4 * 12_000  # the user's own word
