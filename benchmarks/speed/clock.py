"""Time two calls against each other."""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch

# Minimum seconds of a turn: a call of a few milliseconds would be timed while threads wake up.
_TURN = 0.05


class Pair(NamedTuple):
    """Seconds of two calls, timed alternately, so that disturbances of the machine affect both.

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


def seconds(call: Callable[[], object], device: torch.device, *, times: int = 1) -> float:
    """Time a call, including what it started on the device; the mean over the given number of calls."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(times):
        call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - started) / times


def in_turns(
    plain: Callable[[], object], fast: Callable[[], object], *, turns: int, device: torch.device
) -> Pair:
    """Time two calls alternately, after one untimed call each; short ones several times per turn."""
    plain_times, fast_times = _times(plain, device), _times(fast, device)
    found = Pair([], [])
    for _ in range(turns):
        found.plain.append(seconds(plain, device, times=plain_times))
        found.fast.append(seconds(fast, device, times=fast_times))
    return found


def _times(call: Callable[[], object], device: torch.device) -> int:
    took = seconds(call, device)
    if took < _TURN:
        took = seconds(call, device)  # excludes the set-up of the first call
    return max(1, round(_TURN / took))
