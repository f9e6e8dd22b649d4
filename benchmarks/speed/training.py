"""Row 4: a training step of CFANet, forward, loss and backward."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from benchmarks.speed.case import Case, Measured
from benchmarks.speed.ceiling import convolution_flops
from benchmarks.speed.cfanet import operations
from benchmarks.speed.plain_cfanet import plain_cfanet
from crowdkit.losses import CFANetLoss
from crowdkit.models import CFANet, create_model
from crowdkit.prediction import Prediction
from crowdkit.targets import DensityLevels, density_map

SIZE = (384, 512)
_HEADS = 200
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_GRADIENTS, _LOSS = "gradients", "loss"


def cases(device: torch.device, *, size: tuple[int, int] = SIZE) -> Iterable[Case]:
    """One crop in float32 and in bfloat16."""
    torch.manual_seed(0)
    model = create_model("cfanet", init="kaiming").to(device, memory_format=torch.channels_last).train()
    images = torch.rand(1, 3, *size, device=device).contiguous(memory_format=torch.channels_last)
    heads = torch.rand(_HEADS, 2) * torch.tensor([size[1], size[0]])
    truth = density_map(heads, size, sigma=4.0)[None, None]
    loss = CFANetLoss(DensityLevels.fit([truth])).to(device)
    for precision in _TYPES:
        yield _case(model, loss, images, truth.to(device), precision)


def step(
    network: Callable[[Tensor], Prediction],
    model: CFANet,
    loss: CFANetLoss,
    images: Tensor,
    truth: Tensor,
    *,
    precision: str,
) -> dict[str, Tensor]:
    """Compute the gradients of all weights, and the loss."""
    model.zero_grad()
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        value = loss(network(images), truth, progress=0.5)
    value.backward()
    found = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    return {**found, _LOSS: value.detach()}


def _case(model: CFANet, loss: CFANetLoss, images: Tensor, truth: Tensor, precision: str) -> Case:
    given = {"model": model, "loss": loss, "images": images, "truth": truth, "precision": precision}
    height, width = images.shape[-2:]
    fast = partial(step, model, **given)
    exact = precision == "float32"
    return Case(
        row=4,
        name=f"CFANet's training step, {height} x {width}, {precision}",
        fast=fast,
        plain=partial(step, partial(plain_cfanet, model, sides=True), **given),
        baseline="side outputs at full size",
        agree=_apart,
        goal=">= 2 x, half the memory" + (", 1e-3" if exact else ""),
        reached=partial(_reached, exact=exact),
        ceiling=lambda: operations(fast) / convolution_flops(images.device, _TYPES[precision]),
        turns=5,
    )


def _apart(plain: dict[str, Tensor], fast: dict[str, Tensor]) -> dict[str, float]:
    """The largest difference of a gradient relative to the largest of its tensor, and the relative loss difference."""
    if plain.keys() != fast.keys():
        raise SystemExit(f"gradients: expected those of {sorted(plain)}, got {sorted(fast)}")
    apart = {name: float((fast[name] - each).abs().max() / each.abs().max()) for name, each in plain.items()}
    loss = apart.pop(_LOSS)
    return {_GRADIENTS: max(apart.values()), _LOSS: loss}


def _reached(found: Measured, *, exact: bool) -> bool:
    light = found.peak is None or found.plain_peak is None or found.peak <= found.plain_peak / 2
    same = found.agreement[_GRADIENTS] <= 1e-3 if exact else True
    return light and same and found.ratio is not None and found.ratio >= 2
