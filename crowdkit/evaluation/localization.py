"""How well the heads that a map shows are found, over a data set."""

from collections.abc import Sequence

import torch
from torch import Tensor

from crowdkit.counting import METHODS, Method, locate
from crowdkit.data import Sample
from crowdkit.errors import check_choice
from crowdkit.evaluation.result import Localization
from crowdkit.metrics import LocalizationF1, LocalizationPrecision, LocalizationRecall


class LocalizationScores:
    """Locates heads image by image, and compares them with the true ones.

    Args:
        method: How heads are located; ``None`` for not at all.
        distances: The largest distances of a pair of a point and a head, in pixels.
        device: Where processes exchange their sums.
    """

    def __init__(self, method: Method | None, distances: Sequence[float], *, device: torch.device) -> None:
        if method is not None:
            check_choice("points", method, METHODS)
        self.method = method
        self.metrics = {
            distance: [
                kind(threshold=distance).to(device)
                for kind in (LocalizationPrecision, LocalizationRecall, LocalizationF1)
            ]
            for distance in (map(float, distances) if method is not None else ())
        }

    def update(self, density: Tensor, sample: Sample, stride: int) -> None:
        """Take in one image: its estimate, shape (1, 1, h, w), and its sample."""
        if self.method is None:
            return
        height, width = (int(side) for side in sample.image.shape[-2:])
        points = locate(density, stride=stride, size=(height, width), method=self.method)
        for metrics in self.metrics.values():
            for metric in metrics:
                metric.update([points], [sample.points])

    def results(self) -> tuple[Localization, ...]:
        """Give the figures of all processes, one for each distance."""
        found = []
        for distance, metrics in self.metrics.items():
            precision, recall, f1 = (float(metric.compute()) for metric in metrics)
            found.append(
                Localization(
                    method=str(self.method), distance=distance, precision=precision, recall=recall, f1=f1
                )
            )
        return tuple(found)
