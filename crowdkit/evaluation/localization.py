"""How well the heads that a map shows are found, over a data set."""

from collections.abc import Sequence

import torch
from torch import Tensor

from crowdkit.counting import METHODS, Method, locate
from crowdkit.data import Sample
from crowdkit.errors import check_choice
from crowdkit.evaluation.result import LocalizationResult
from crowdkit.metrics import Localization


class HeadLocator:
    """Locates heads image by image, and compares them with the true ones.

    Args:
        method: How heads are located.
        distances: The largest distances of a pair of a point and a head, in pixels.
        device: Where processes exchange their sums.
    """

    def __init__(self, method: Method, distances: Sequence[float], *, device: torch.device) -> None:
        check_choice("points", method, METHODS)
        self.method = method
        self.metric = Localization(threshold=distances).to(device)

    def update(self, density: Tensor, sample: Sample, stride: int) -> None:
        """Take in one image: its estimate, shape (1, 1, h, w), and its sample."""
        height, width = (int(side) for side in sample.image.shape[-2:])
        points = locate(density, stride=stride, size=(height, width), method=self.method)
        self.metric.update([points], [sample.points])

    def results(self) -> tuple[LocalizationResult, ...]:
        """Return the figures of all processes, one for each distance."""
        figures = (each.reshape(-1).tolist() for each in self.metric.compute())
        return tuple(
            LocalizationResult(
                method=str(self.method), distance=distance, precision=precision, recall=recall, f1=f1
            )
            for distance, precision, recall, f1 in zip(self.metric.thresholds, *figures, strict=True)
        )
