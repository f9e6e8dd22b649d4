"""Row 2: BSL, forward and backward, against a composition of pytorch-msssim and plain torch."""

from collections.abc import Callable, Iterable

import torch
from pytorch_msssim import ssim
from torch import Tensor
from torch.nn import functional as F

from benchmarks.speed.case import Case, Measured
from benchmarks.speed.ceiling import copy_bytes
from crowdkit.losses import BSL
from crowdkit.targets import adaptive_sigma, density_map

Step = tuple[Tensor, Tensor]  # the loss and its gradient
_SIZES = ((1, 768, 1024), (8, 384, 512))
_HEADS = 300


def cases(device: torch.device, *, sizes: Iterable[tuple[int, int, int]] = _SIZES) -> Iterable[Case]:
    """Make one line per size (B, H, W); on a GPU also one for the compiled loss."""
    for batch, height, width in sizes:
        maps = pair(batch, (height, width), device)
        shape = f"{batch} x 1 x {height} x {width}"
        yield _case(f"BSL, forward and backward, {shape}", BSL(), *maps)
        if device.type == "cuda":
            yield _case(f"BSL under torch.compile, {shape}", torch.compile(BSL()), *maps)


def _case(name: str, loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, target: Tensor) -> Case:
    return Case(
        row=2,
        name=name,
        fast=lambda: step(loss, pred, target),
        plain=lambda: step(composed, pred, target),
        baseline="pytorch-msssim's `ssim` on three levels, BL in plain torch",
        agree=apart,
        goal=">= 4 x, at most half the memory",
        reached=_reached,
        # The lower bound: it must read both maps and write the gradient.
        ceiling=lambda: 3 * pred.nbytes / copy_bytes(pred.device),
    )


def pair(batch: int, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Make true maps, and estimates of heads close to the true ones, with a tenth of them missing."""
    generator = torch.Generator().manual_seed(0)
    sides = torch.tensor([size[1], size[0]])
    pairs = []
    for _ in range(batch):
        heads = torch.rand(_HEADS, 2, generator=generator) * sides
        near = heads + torch.randn(_HEADS, 2, generator=generator) * 2
        near = near.clamp(min=torch.zeros(2), max=sides - 0.5)[_HEADS // 10 :]
        pairs.append([density_map(each, size, sigma=adaptive_sigma(each)) for each in (near, heads)])
    pred, target = (torch.stack(each)[:, None].to(device) for each in zip(*pairs, strict=True))
    return pred, target


def step(loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, target: Tensor) -> Step:
    """Compute the loss and its gradient by the estimate."""
    leaf = pred.detach().requires_grad_()
    value = loss(leaf, target)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.detach(), gradient


def composed(pred: Tensor, target: Tensor) -> Tensor:
    """BSL written plainly: constants 0.01^2 and 0.03^2 are those of a data range of 1."""
    people, background = pred.clamp(min=0), target < 1e-5
    outside = (people * background).sum(dim=(1, 2, 3)) / people.sum(dim=(1, 2, 3)).clamp(min=1e-6)
    x, y = pred * 50, target * 50
    structure = 1 - ssim(x, y, data_range=1, K=(0.01, 0.03))
    for _ in range(2):
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        structure = structure + 1 - ssim(x, y, data_range=1, K=(0.01, 0.03))
    return structure / 3 + outside.mean()


def apart(plain: Step, fast: Step) -> dict[str, float]:
    """Return the differences of losses and of gradients, the latter relative to the largest slope."""
    difference = (plain[1] - fast[1]).abs().max() / plain[1].abs().max()
    return {"loss": float((plain[0] - fast[0]).abs()), "gradient": float(difference)}


def _reached(found: Measured) -> bool:
    small = found.peak is None or found.plain_peak is None or found.peak <= found.plain_peak / 2
    return found.ratio is not None and found.ratio >= 4 and small
