"""Row 8: the cost of starting, each time in a fresh Python."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.speed.case import Case
from benchmarks.speed.drawn import photograph, save

# Beyond ``import torch``; and for all of ``crowdkit --help``.
MOST, HELP = 0.1, 1.0
PHOTO = (768, 1024)
TIMED = """
import time, {first}
started = time.perf_counter()
import {then}
print(time.perf_counter() - started)
"""


def cases(device: torch.device, *, turns: int = 9) -> Iterator[Case]:
    """Make the lines of the row; they are the same on every device."""
    del device
    yield Case(
        row=8,
        name="import crowdkit.losses, a fresh process",
        fast=_python("-c", "import torch, crowdkit.losses"),
        plain=_python("-c", "import torch"),
        baseline="import torch",
        agree=lambda _plain, _fast: {"seconds after torch": after_torch("crowdkit.losses")},
        goal=f"{MOST} s more",
        reached=lambda m: m.agreement["seconds after torch"] <= MOST,
        turns=turns,
        peak=lambda _: None,
    )
    yield Case(
        row=8,
        name="crowdkit --help, a fresh process",
        fast=_python("-m", "crowdkit.cli", "--help"),
        plain=_python("-c", "pass"),
        baseline="Python alone",
        goal=f"under {HELP:g} s",
        reached=lambda m: m.seconds < HELP,
        turns=turns,
        peak=lambda _: None,
    )
    with TemporaryDirectory() as folder:
        photo = save(photograph(*PHOTO), Path(folder) / "photo.jpg")
        yield Case(
            row=8,
            name=f"crowdkit count of a JPEG of {PHOTO[0]} x {PHOTO[1]}, a fresh process",
            fast=_python("-m", "crowdkit.cli", "count", str(photo)),
            plain=_python("-c", "import torch"),
            baseline="import torch",
            turns=turns,
            peak=lambda _: None,
        )


def after_torch(module: str, *, turns: int = 5) -> float:
    """Time an import after that of torch, in fresh processes; return the median of the turns."""
    code = TIMED.format(first="torch", then=module)
    times = [float(_output("-c", code)) for _ in range(turns)]
    return sorted(times)[turns // 2]


def _python(*arguments: str) -> Callable[[], str]:
    return lambda: _output(*arguments)


def _output(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout
