"""What an operation costs, counted rather than timed, and the power it grows with."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Work(TorchDispatchMode):
    """Counts the elements that operations write; a gathered sum counts for every row that it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = self.largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        results = result if isinstance(result, tuple) else (result,)
        views = function.is_view if hasattr(function, "is_view") else False
        for each in results if not views else ():
            if isinstance(each, torch.Tensor):
                self.elements += each.numel()
                self.largest = max(self.largest, each.numel())
        if "embedding_bag" in str(function):
            self.elements += args[1].numel() * args[0].shape[1]
        return result


def added(costs: Sequence[float]) -> list[float]:
    """What each size costs more than the one before: what is paid once, as for weights, is in none of them."""
    return np.diff(costs).tolist()


def exponent(costs: Sequence[float], factor: float) -> float:
    """The power that a cost grows with, fitted, when its size grows by a factor each time."""
    sizes = np.arange(len(costs)) * np.log(factor)
    return float(np.polyfit(sizes, np.log(costs), 1)[0])
