"""Row 1: density maps of heads, against the field's loop and a careful loop over patches in NumPy."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from benchmarks.speed.case import Case, Measured
from benchmarks.speed.ceiling import copy_bytes
from crowdkit.targets import adaptive_sigma, density_maps

Map = NDArray[np.float32]
Size = tuple[int, int, int]  # heads, height, width
_SMALL, _LARGE, _HUGE = (1000, 768, 1024), (12_865, 2000, 3000), (100_000, 6000, 9000)
_BATCH = (8, 100, 384, 512)  # images, then heads, height and width of each
_PATCHES = "a loop over patches in NumPy"


def cases(
    device: torch.device,
    *,
    small: Size = _SMALL,
    large: Size = _LARGE,
    huge: Size = _HUGE,
    batch: tuple[int, int, int, int] = _BATCH,
) -> Iterable[Case]:
    """Make the lines; sigmas are adaptive and computed beforehand, the same for both sides."""
    # The field's loop only supports heads at pixel centers.
    heads = crowd(*small)[0].floor() + 0.5
    sigmas = adaptive_sigma(heads)
    size = small[1:]
    yield _case(
        _title(*small),
        lambda: _ours([heads], [sigmas], size, 1, device),
        device,
        plain=lambda: [field(heads, sigmas, size)],
        baseline="one full-image `gaussian_filter` per head, float32",
        margin=math.ceil(4 * float(sigmas.max())) + 1,
        goal=">= 1,000 x",
        reached=lambda found: found.ratio is not None and found.ratio >= 1000,
        cells=size[0] * size[1],
        plain_once=True,
    )
    for stride in (1, 8):
        yield _against_patches(small, stride, device, least=5.0)
    bytes_of_map = 4 * large[1] * large[2]
    yield _against_patches(large, 1, device, longest=0.1, most=3 * bytes_of_map)
    yield _against_patches(huge, 1, device, longest=2.0, turns=3)
    crowds = [crowd(*batch[1:], seed=seed) for seed in range(batch[0])]
    yield _case(
        f"{batch[0]} images, each {_title(*batch[1:])}, stride 8",
        lambda: _ours([each[0] for each in crowds], [each[1] for each in crowds], batch[2:], 8, device),
        device,
        plain=lambda: [patches(*each, batch[2:], 8) for each in crowds],
        baseline=_PATCHES,
        cells=batch[0] * math.ceil(batch[2] / 8) * math.ceil(batch[3] / 8),
    )


def _against_patches(
    size: Size,
    stride: int,
    device: torch.device,
    *,
    least: float = 0.0,
    longest: float = math.inf,
    most: float = math.inf,
    turns: int = 7,
) -> Case:
    heads, sigmas = crowd(*size)

    def reached(found: Measured) -> bool:
        fits = found.peak is None or found.peak < most
        return found.ratio is not None and found.ratio >= least and found.seconds < longest and fits

    goals = [f">= {least:.0f} x"] * (least > 0) + [f"< {longest:g} s"] * (longest < math.inf)
    return _case(
        _title(*size) + (f", stride {stride}" if stride > 1 else ""),
        lambda: _ours([heads], [sigmas], size[1:], stride, device),
        device,
        plain=lambda: [patches(heads, sigmas, size[1:], stride)],
        baseline=_PATCHES,
        goal=", ".join(goals + ["under three maps of memory"] * (most < math.inf)),
        reached=reached,
        turns=turns,
        cells=math.ceil(size[1] / stride) * math.ceil(size[2] / stride),
    )


def _case(
    name: str, fast: Callable[[], Tensor], device: torch.device, *, cells: int, margin: int = 0, **rest: Any
) -> Case:
    def agree(plain: list[Map], ours: Tensor) -> dict[str, float]:
        return apart(plain, ours, margin)

    def ceiling() -> float:
        return 4 * cells / (copy_bytes(device) / 2)  # the map, written once

    return Case(row=1, name=f"density map, {name}", fast=fast, agree=agree, ceiling=ceiling, **rest)


def _title(heads: int, height: int, width: int) -> str:
    return f"{heads:,} heads, {height} x {width}"


def crowd(heads: int, height: int, width: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw heads (N, 2), and compute their adaptive sigmas."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(heads, 2, generator=generator) * torch.tensor([width, height])
    return points, adaptive_sigma(points)


def _ours(
    points: list[Tensor], sigmas: list[Tensor], size: tuple[int, ...], stride: int, device: torch.device
) -> Tensor:
    return density_maps(
        [heads.to(device, non_blocking=True) for heads in points],
        (size[0], size[1]),
        sigma=[sigma.to(device, non_blocking=True) for sigma in sigmas],
        stride=stride,
        check=device.type == "cpu",
    )[:, 0]


def field(points: Tensor, sigmas: Tensor, size: tuple[int, ...]) -> Map:
    """Filter a whole image for every head, as the field's scripts do; what leaves the image is lost."""
    density = np.zeros(size, np.float32)
    for (x, y), sigma in zip(points.numpy(), sigmas.numpy(), strict=True):
        one = np.zeros(size, np.float32)
        one[int(y), int(x)] = 1.0
        density += gaussian_filter(one, float(sigma), mode="constant")
    return density


def patches(points: Tensor, sigmas: Tensor, size: tuple[int, ...], stride: int) -> Map:
    """Add a patch for every head, from one-dimensional kernels that are cut and normalized at the border."""
    rows, columns = (-(-side // stride) for side in size)
    density = np.zeros((rows, columns), np.float32)
    for (x, y), sigma in zip(points.double().numpy(), sigmas.double().numpy(), strict=True):
        radius = int(4 * sigma + 0.5)
        kernels, cells = [], []
        for place, side in ((y, size[0]), (x, size[1])):
            first, last = max(0, int(place) - radius), min(side, int(place) + radius + 1)
            kernel = np.exp((np.arange(first, last) + (0.5 - place)) ** 2 * (-0.5 / sigma**2))
            kernel = (kernel / kernel.sum()).astype(np.float32)
            low, high = first // stride, -(-last // stride)
            if stride > 1:
                padded = np.zeros((high - low) * stride, np.float32)
                padded[first - low * stride : last - low * stride] = kernel
                kernel = padded.reshape(-1, stride).sum(axis=1)
            kernels.append(kernel)
            cells.append(slice(low, high))
        density[cells[0], cells[1]] += np.multiply.outer(*kernels)
    return density


def apart(plain: list[Map], ours: Tensor, margin: int) -> dict[str, float]:
    """Return the differences of maps, excluding a margin, and each map's surplus of people over heads."""
    theirs = torch.from_numpy(np.stack(plain))
    found = ours.cpu()
    inner = (slice(None), slice(margin, found.shape[1] - margin), slice(margin, found.shape[2] - margin))
    sums = theirs.double().sum(), found.double().sum()
    difference = (theirs[inner] - found[inner]).abs().max() if found[inner].numel() else found.new_zeros(())
    return {
        "largest cell": float(difference),
        "counts": float((sums[0] - sums[1]).abs()),
        "our count from whole": float((sums[1] - sums[1].round()).abs() / sums[1]),
    }
