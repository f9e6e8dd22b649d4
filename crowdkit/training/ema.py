"""An exponential moving average of a model's weights."""

import copy

import torch
from torch import Tensor, nn


class MovingAverage:
    """Keep a smoothed copy of a model: ``average += (1 - decay) * (weights - average)`` after every step.

    Early on the decay is held to ``(1 + t) / (10 + t)`` after ``t`` steps, so that the average does not
    remember the random start. Buffers of whole numbers are copied, all else is averaged.

    Args:
        model: The model to follow.
        decay: Decay in [0, 1).

    Examples:
        >>> model = nn.Linear(1, 1)
        >>> average = MovingAverage(model, decay=0.9)
        >>> average.update(model)
        >>> bool((average.module.weight == model.weight).all())
        True
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.module = copy.deepcopy(model).requires_grad_(False).eval()  # noqa: FBT003 (torch's own signature)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's present weights.

        Args:
            model: The model that is followed.
        """
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        mine, theirs = self.module.state_dict(), model.state_dict()
        averaged = [name for name in mine if mine[name].is_floating_point()]
        torch._foreach_lerp_(
            [mine[name] for name in averaged], [theirs[name] for name in averaged], 1 - decay
        )
        for name in mine.keys() - set(averaged):
            mine[name].copy_(theirs[name])

    def state_dict(self) -> dict[str, Tensor | dict[str, Tensor] | int]:
        """Give everything needed to go on.

        Returns:
            The averaged weights and the number of steps.
        """
        return {"module": self.module.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: dict[str, Tensor | dict[str, Tensor] | int]) -> None:
        """Go on from a saved state.

        Args:
            state: What :meth:`state_dict` gave.
        """
        self.module.load_state_dict(state["module"])  # type: ignore[arg-type]
        self.steps = int(state["steps"])  # type: ignore[arg-type]
