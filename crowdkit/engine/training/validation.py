"""What a training is judged by: held-out images of every data set, and held-out images of nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from crowdkit.data import CrowdData
from crowdkit.engine.config import TrainConfig
from crowdkit.engine.evaluation import evaluate
from crowdkit.engine.result import Result
from crowdkit.engine.sources import resizing
from crowdkit.models import CrowdModel


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What one validation found.

    Attributes:
        results: The figures, one for each data set.
        nobody: The mean count of held-out images of nobody, if the training has such images.
    """

    results: tuple[Result, ...]
    nobody: float | None

    @property
    def mae(self) -> float:
        """Mean absolute error over the images of all data sets."""
        return sum(each.mae * each.images for each in self.results) / sum(
            each.images for each in self.results
        )

    @property
    def error(self) -> float:
        """What the best epoch has least of: MAE over mean count, averaged over the data sets.

        With one data set it is lowest where the MAE is. With several, the dense one does not drown the others.
        """
        relative = [each.mae * each.images / max(each.people, 1) for each in self.results]
        return sum(relative) / len(relative)

    def numbers(self) -> dict[str, float | None]:
        """Give everything by name, for the log; with several data sets each has its own name before it."""
        found: dict[str, float | None] = {"error": self.error}
        if len(self.results) == 1:
            found |= self.results[0].metrics()
        else:
            found["mae"] = self.mae
            for each in self.results:
                found |= {f"{each.dataset}/{name}": value for name, value in each.metrics().items()}
        if self.nobody is not None:
            found["nobody"] = self.nobody
        return found

    def __str__(self) -> str:
        several = len(self.results) > 1
        told = [
            f"{each.dataset + ' ' if several else ''}MAE {each.mae:.2f}, RMSE {each.rmse:.2f}"
            for each in self.results
        ]
        if self.nobody is not None:
            told.append(f"nobody counts {self.nobody:.2f}")
        return "; ".join(told)


def validate(
    model: CrowdModel,
    sources: Sequence[CrowdData],
    negatives: CrowdData | None,
    config: TrainConfig,
    *,
    device: torch.device,
    progress: bool,
) -> Validation:
    """Measure a model on held-out images, whole and unaugmented.

    Args:
        model: The network.
        sources: The validation images of each data set.
        negatives: Held-out images of nobody.
        config: The configuration.
        device: Where to compute.
        progress: Whether to draw progress bars.

    Returns:
        What was found.
    """
    results = tuple(
        evaluate(
            model,
            source,
            sigma=config.data.sigma,
            transform=resizing(config.data),
            device=device,
            precision=config.run.precision,
            workers=config.run.workers,
            progress=progress,
        )
        for source in sources
    )
    nobody = None
    if negatives is not None:
        counts = evaluate(model, negatives, device=device, precision=config.run.precision).counts
        nobody = sum(each.count for each in counts) / len(counts)
    return Validation(results=results, nobody=nobody)
