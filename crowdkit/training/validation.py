"""What a training is judged by: held-out images of every data set, and held-out images without people."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from crowdkit.data import CrowdData
from crowdkit.evaluation import Result, evaluate
from crowdkit.models import CrowdModel
from crowdkit.training.config import TrainConfig
from crowdkit.training.sources import data_sources, resizing

_SEEN_IN_EMPTY = 10.0


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What one validation found.

    Attributes:
        results: The figures, one for each data set.
        weights: Weight of each data set in :attr:`error`.
        empty_scenes: The mean count of held-out images without people, if the training has such images.
    """

    results: tuple[Result, ...]
    weights: tuple[float, ...]
    empty_scenes: float | None

    @property
    def mae(self) -> float:
        """Mean absolute error over the images of all data sets."""
        return sum(each.mae * each.images for each in self.results) / sum(
            each.images for each in self.results
        )

    @property
    def error(self) -> float:
        """What the best epoch has least of: MAE over mean count, a weighted mean over the data sets.

        With one data set it is lowest where the MAE is. With several, the dense one does not drown the others. The
        MAE of a data set of nobody, which has no mean count, is divided by ten people.
        """
        relative = [
            each.mae * each.images / each.people if each.people else each.mae / _SEEN_IN_EMPTY
            for each in self.results
        ]
        return sum(w * each for w, each in zip(self.weights, relative, strict=True)) / sum(self.weights)

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
    parts = data_sources(config.data)
    results = tuple(
        evaluate(
            model,
            source,
            sigma=part.sigma,
            transform=resizing(config.data),
            device=device,
            precision=config.run.precision,
            workers=config.run.workers,
            progress=progress,
        )
        for part, source in zip(parts, sources, strict=True)
    )
    empty_scenes = None
    if scenes is not None:
        counts = evaluate(model, scenes, device=device, precision=config.run.precision).counts
        empty_scenes = sum(each.count for each in counts) / len(counts)
    return Validation(
        results=results, weights=tuple(each.weight for each in parts), empty_scenes=empty_scenes
    )
