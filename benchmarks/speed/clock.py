"""Time calls against one another."""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch


class Pair(NamedTuple):
    """Seconds of two calls, taken in turns, so that what disturbs the machine disturbs both.

    Attributes:
        plain: Seconds of each turn of the baseline.
        fast: Seconds of each turn of ours.
    """

    plain: list[float]
    fast: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times longer the baseline took, turn by turn."""
        return [plain / fast for plain, fast in zip(self.plain, self.fast, strict=True)]


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Time one call, to the end of what it started on the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def in_turns(
    plain: Callable[[], object], fast: Callable[[], object], *, turns: int, device: torch.device
) -> Pair:
    """Time two calls in turns, after one call each that is not counted."""
    plain()
    fast()
    found = Pair([], [])
    for _ in range(turns):
        found.plain.append(seconds(plain, device))
        found.fast.append(seconds(fast, device))
    return found
