"""Which software a run used."""

import platform
import subprocess
from functools import cache
from pathlib import Path

import torch

import crowdkit


@cache  # asking git takes a while, and every checkpoint records it
def versions() -> dict[str, str | None]:
    """Return the versions of crowdkit, its git commit if it is a checkout, torch and Python."""
    return {
        "crowdkit": crowdkit.__version__,
        "commit": _commit(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def _commit() -> str | None:
    package = Path(crowdkit.__file__).resolve().parent
    command = ["git", "-C", str(package), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    top, _, head = done.stdout.strip().partition("\n")
    # An environment inside somebody else's checkout is not ours.
    return head if Path(top) == package.parent else None
