"""What a training is judged by: held-out images of every data set, and held-out images without people."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from crowdkit.data import CrowdData
from crowdkit.evaluation import Result, evaluate
from crowdkit.models import CrowdModel
from crowdkit.training.config import TrainConfig
from crowdkit.training.sources import resizing


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What one validation found.

    Attributes:
        results: The figures, one for each data set.
        empty_scenes: The mean count of held-out images without people, if the training has such images.
    """

    results: tuple[Result, ...]
    empty_scenes: float | None

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
        if self.empty_scenes is not None:
            found["empty_scenes"] = self.empty_scenes
        return found

    def __str__(self) -> str:
        several = len(self.results) > 1
        told = [
            f"{each.dataset + ' ' if several else ''}MAE {each.mae:.2f}, RMSE {each.rmse:.2f}"
            for each in self.results
        ]
        if self.empty_scenes is not None:
            told.append(f"empty scenes {self.empty_scenes:.2f}")
        return "; ".join(told)


def validate(
    model: CrowdModel,
    sources: Sequence[CrowdData],
    scenes: CrowdData | None,
    config: TrainConfig,
    *,
    device: torch.device,
    progress: bool,
) -> Validation:
    """Measure a model on held-out images, whole and unaugmented.

    Args:
        model: The network.
        sources: The validation images of each data set.
        scenes: Held-out images without people.
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
    empty_scenes = None
    if scenes is not None:
        counts = evaluate(model, scenes, device=device, precision=config.run.precision).counts
        empty_scenes = sum(each.count for each in counts) / len(counts)
    return Validation(results=results, empty_scenes=empty_scenes)
