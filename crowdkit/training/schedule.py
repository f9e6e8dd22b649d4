"""Learning rates as a pure function of progress, and the optimizers."""

import math

import torch
from torch import nn

from crowdkit.errors import ArgumentError, check_choice
from crowdkit.training.config import OptimConfig

_HALVINGS = 5  # the paper halves the rate every 100 of 500 epochs


def learning_rate(progress: float, *, lr: float, schedule: str = "halve", warmup: float = 0.0) -> float:
    """Give the learning rate at a fraction of the training.

    Args:
        progress: Fraction of the training done, in [0, 1].
        lr: The highest rate.
        schedule: ``"halve"`` (at every fifth of the training), ``"cosine"`` (down to 0) or ``"constant"``.
        warmup: Fraction of the training over which the rate rises in a straight line to where it would be.

    Returns:
        The rate.

    Raises:
        ArgumentError: If ``progress`` is outside [0, 1].
        UnknownNameError: If there is no such schedule.

    Examples:
        >>> [learning_rate(p, lr=8.0) for p in (0, 0.19, 0.2, 0.4, 0.99)]
        [8.0, 8.0, 4.0, 2.0, 0.5]
        >>> learning_rate(0.05, lr=8.0, warmup=0.1)
        4.0
    """
    if not 0 <= progress <= 1:
        raise ArgumentError(f"progress: expected a fraction from 0 to 1, got {progress}; divide by the whole")
    check_choice("schedule", schedule, ("halve", "cosine", "constant"))
    rate = lr
    if schedule == "halve":
        # 0.6 * 5 is 3.0000000000000004 or 2.9999999999999996 depending on how 0.6 came about.
        rate = lr * 0.5 ** min(math.floor(progress * _HALVINGS + 1e-9), _HALVINGS - 1)
    elif schedule == "cosine":
        rate = lr * 0.5 * (1 + math.cos(math.pi * progress))
    return rate * progress / warmup if progress < warmup else rate


def build_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Make the optimizer of a model's trainable weights.

    Biases and the weights of norms (everything of one dimension) are not decayed.

    Args:
        model: The network.
        config: Name, rate and weight decay.

    Returns:
        The optimizer; the loop sets its rate at every step.

    Examples:
        >>> optimizer = build_optimizer(nn.Linear(2, 1), OptimConfig(weight_decay=0.1))
        >>> [group["weight_decay"] for group in optimizer.param_groups]
        [0.1, 0.0]
    """
    trainable = [each for each in model.parameters() if each.requires_grad]
    groups = [
        {"params": [each for each in trainable if each.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [each for each in trainable if each.ndim <= 1], "weight_decay": 0.0},
    ]
    kind = torch.optim.Adam if config.name == "adam" else torch.optim.AdamW
    return kind([group for group in groups if group["params"]], lr=config.lr)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group of an optimizer.

    Args:
        optimizer: The optimizer.
        rate: The learning rate.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
