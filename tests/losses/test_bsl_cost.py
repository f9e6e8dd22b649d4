"""What BSL and its gradient cost: linear in pixels and in maps, counted rather than timed."""

import pytest
import torch
from cost import Work, exponent

from crowdkit.losses import BSL


def work(batch: int, side: int) -> int:
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(batch, 1, side, side, generator=generator)
    pred = torch.rand(batch, 1, side, side, generator=generator, requires_grad=True)
    with Work() as counted:
        BSL()(pred, truth).backward()
    assert pred.grad is not None
    return counted.elements


def test_linear_in_pixels() -> None:
    assert exponent([work(1, side) for side in (128, 256, 512, 1024)], 4) == pytest.approx(1, abs=0.05)


def test_linear_in_maps() -> None:
    assert exponent([work(batch, 96) for batch in (2, 4, 8, 16)], 2) == pytest.approx(1, abs=0.05)
