"""The limits of the machine, measured in the same run: convolutions and copies."""

from functools import cache
from statistics import median

import torch
from torch.nn import functional as F

from benchmarks.speed.clock import seconds


@cache
def convolution_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Measure operations per second of a large 3 x 3 convolution, channels last: the most that networks can reach."""
    channels, side = 256, 128 if device.type == "cpu" else 256
    batch = 1 if device.type == "cpu" else 16
    x = torch.randn(batch, channels, side, side, device=device, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device, dtype=dtype)
    weight = weight.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        times = [seconds(lambda: F.conv2d(x, weight, padding=1), device) for _ in range(8)]
    return 2 * 9 * channels**2 * batch * side**2 / median(times[2:])


@cache
def copy_bytes(device: torch.device) -> float:
    """Measure bytes per second, read and written, of a large copy."""
    source = torch.zeros(64 * 2**20, device=device)
    target = torch.zeros_like(source)
    times = [seconds(lambda: target.copy_(source), device) for _ in range(8)]
    return 2 * source.nbytes / median(times[2:])
