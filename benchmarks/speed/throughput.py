"""Row 9: photographs per second through CFANet, compiled and not, singly and in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.speed.case import Case
from benchmarks.speed.ceiling import convolution_flops
from benchmarks.speed.cfanet import density, operations
from crowdkit.models import create_model

HALF = 0.5
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Scale:
    """Sizes, and the backend of ``torch.compile``."""

    size: tuple[int, int] = (768, 1024)
    batches: tuple[int, ...] = (1, 4, 16)
    backend: str = "inductor"


FULL = Scale()


def cases(device: torch.device, scale: Scale = FULL) -> Iterator[Case]:
    """Make the lines: every batch in both number formats, uncompiled and compiled."""
    torch.manual_seed(0)
    model = create_model("cfanet", init="kaiming").eval().to(device, memory_format=torch.channels_last)
    for batch in scale.batches:
        images = torch.rand(batch, 3, *scale.size, device=device).contiguous(
            memory_format=torch.channels_last
        )
        for precision in _TYPES:
            torch.compiler.reset()
            compiled = torch.compile(model, backend=scale.backend)
            eager = partial(density, model, images, precision=precision)
            common = {
                "row": 9,
                "goal": "half the ceiling" if precision == "bfloat16" else "",
                "reached": (lambda m: (m.of_ceiling or 0) >= HALF) if precision == "bfloat16" else None,
                "ceiling": partial(_least_seconds, eager, device, precision),
                "work": batch,
                "unit": "images",
                "turns": 9,
            }
            name = f"CFANet, {batch} x {scale.size[0]} x {scale.size[1]}, {precision}"
            yield Case(name=name, fast=eager, **common)
            yield Case(
                name=f"{name}, compiled",
                fast=partial(density, compiled, images, precision=precision),
                plain=eager,
                baseline="not compiled",
                agree=_apart,
                **common,
            )


def _least_seconds(call: partial[Tensor], device: torch.device, precision: str) -> float:
    return operations(call) / convolution_flops(device, _TYPES[precision])


def _apart(plain: Tensor, fast: Tensor) -> dict[str, float]:
    return {
        "cells": float((fast - plain).abs().max() / plain.abs().max()),
        "count": float((fast.double().sum() / plain.double().sum() - 1).abs()),
    }
