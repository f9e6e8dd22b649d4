"""Running means of what a training says about itself, without waiting for the device at every step."""

from typing import NamedTuple

import torch
from torch import Tensor


class Reading(NamedTuple):
    """Means since the last reading.

    Attributes:
        loss: Loss.
        count_error: Mean absolute count error of the crops.
        grad_norm: Norm of the gradient before clipping.
        steps: Steps that were averaged.
        finite: Whether every loss, and every gradient that was used, was finite.
    """

    loss: float
    count_error: float
    grad_norm: float
    steps: int
    finite: bool


class Meter:
    """Sum a few numbers on the device; :meth:`read` waits for them.

    Args:
        device: Where the numbers are.
        norms_may_overflow: Whether infinite gradients are no fault (float16 with a gradient scaler).

    Examples:
        >>> meter = Meter(torch.device("cpu"))
        >>> meter.add(torch.tensor(2.0), torch.tensor(1.0), torch.tensor(0.5))
        >>> meter.read()
        Reading(loss=2.0, count_error=1.0, grad_norm=0.5, steps=1, finite=True)
    """

    def __init__(self, device: torch.device, *, norms_may_overflow: bool = False) -> None:
        self._watched = 1 if norms_may_overflow else 3
        self._sums = torch.zeros(3, device=device)
        self._steps = 0

    def add(self, loss: Tensor, count_error: Tensor, grad_norm: Tensor) -> None:
        """Take in one step.

        Args:
            loss: Scalar.
            count_error: Scalar.
            grad_norm: Scalar.
        """
        self._sums += torch.stack(
            [loss.detach().float(), count_error.detach().float(), grad_norm.detach().float()]
        )
        self._steps += 1

    def read(self) -> Reading:
        """Give the means and start anew."""
        sums = self._sums.tolist()
        steps = self._steps
        finite = bool(self._sums[: self._watched].isfinite().all())
        self._sums.zero_()
        self._steps = 0
        loss, error, norm = (each / max(steps, 1) for each in sums)
        return Reading(loss, error, norm, steps, finite)
