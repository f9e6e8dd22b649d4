"""Running means of what a training says about itself, without waiting for the device at every step."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from crowdkit.errors import CrowdKitError
from crowdkit.training.checkpoint import Position


class NonFiniteLossError(CrowdKitError, ArithmeticError):
    """The loss or the gradient is infinite or not a number."""


class Reading(NamedTuple):
    """Means since the last reading.

    Attributes:
        loss: Loss.
        count_error: Mean absolute count error of the crops.
        grad_norm: Norm of the gradient before clipping.
        estimate: Mean estimated count of the crops.
        people: Mean true count of the crops.
        steps: Steps that were averaged.
        finite: Whether every loss, and every gradient that was used, was finite.
    """

    loss: float
    count_error: float
    grad_norm: float
    estimate: float
    people: float
    steps: int
    finite: bool


class Meter:
    """Sum a few numbers on the device; :meth:`read` waits for them.

    Args:
        device: Where the numbers are.
        norms_may_overflow: Whether infinite gradients are no fault (float16 with a gradient scaler).

    Examples:
        >>> meter = Meter(torch.device("cpu"))
        >>> one = torch.tensor(1.0)
        >>> meter.add(2 * one, estimated=torch.tensor([3.0]), people=torch.tensor([4.0]), grad_norm=one / 2)
        >>> meter.read()
        Reading(loss=2.0, count_error=1.0, grad_norm=0.5, estimate=3.0, people=4.0, steps=1, finite=True)
    """

    def __init__(self, device: torch.device, *, norms_may_overflow: bool = False) -> None:
        self._watched = 1 if norms_may_overflow else 3
        self._sums = torch.zeros(5, device=device)
        self._steps = 0

    @torch.no_grad()
    def add(self, loss: Tensor, *, estimated: Tensor, people: Tensor, grad_norm: Tensor) -> None:
        """Take in one step.

        Args:
            loss: Scalar.
            estimated: Estimated counts, shape :math:`(B,)`.
            people: True counts, shape :math:`(B,)`.
            grad_norm: Scalar.
        """
        estimated = estimated.float()
        error = (estimated - people).abs().mean()
        numbers = [loss.float(), error, grad_norm.float(), estimated.mean(), people.mean()]
        self._sums += torch.stack(numbers)
        self._steps += 1

    def peek(self) -> Reading:
        """Return the means."""
        sums = self._sums.tolist()
        finite = bool(self._sums[: self._watched].isfinite().all())
        loss, error, norm, estimate, people = (each / max(self._steps, 1) for each in sums)
        return Reading(loss, error, norm, estimate, people, self._steps, finite)

    def read(self) -> Reading:
        """Return the means and start anew."""
        reading = self.peek()
        self._sums.zero_()
        self._steps = 0
        return reading

    def state_dict(self) -> dict[str, Tensor | int]:
        """Return the sums and the number of steps."""
        return {"sums": self._sums, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Go on from a saved state.

        Args:
            state: What :meth:`state_dict` returned.
        """
        self._sums.copy_(state["sums"])  # type: ignore[arg-type]
        self._steps = int(state["steps"])


def check_finite(reading: Reading, position: Position, folder: Path) -> None:
    """Stop a training whose loss is no longer a number.

    Args:
        reading: The means of the last steps.
        position: Where the training stands.
        folder: The run's folder.

    Raises:
        NonFiniteLossError: If the loss, or a gradient that was used, was not finite.
    """
    if not reading.finite:
        raise NonFiniteLossError(
            f"loss: expected a finite number, got loss {reading.loss} and gradient norm {reading.grad_norm} in the "
            f"{reading.steps} steps before step {position.step}; lower optim.lr, set optim.clip_norm or use "
            f"run.precision = 'float32'. The last checkpoint in {folder} is from before"
        )
