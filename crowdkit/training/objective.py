"""The loss of a run, from its configuration and its model."""

from typing import Any

import torch
from torch import nn

from crowdkit.data import Sample, true_map
from crowdkit.errors import ArgumentError, ConfigError, UnknownNameError
from crowdkit.losses import CFANetLoss, WeightedSum, create_loss
from crowdkit.targets import DensityLevels
from crowdkit.training.config import LossConfig
from crowdkit.training.feed import TrainingSet


def build_loss(config: LossConfig, *, stride: int, levels: DensityLevels | None) -> CFANetLoss:
    """Make the loss of a run: the density loss of every stage, and the attention losses of the model.

    Args:
        config: The loss section.
        stride: The model's stride.
        levels: The density levels of the model's fine attention, if it has one.

    Returns:
        ``loss(prediction, density, progress=..., points=...)``.

    Raises:
        ConfigError: If there is no such loss, or it does not take an option.
    """
    if "reduction" in config.options:
        raise ConfigError("loss.options: expected no reduction, which is the mean over a batch; take it away")
    try:
        density = _make(config.name, stride, config.options)
        if config.also:
            tables = {
                name: also if isinstance(also, dict) else {"weight": also}
                for name, also in config.also.items()
            }
            others = [
                _make(name, stride, {key: value for key, value in table.items() if key != "weight"})
                for name, table in tables.items()
            ]
            weights = [table.get("weight", 1.0) for table in tables.values()]
            density = WeightedSum([density, *others], [1.0, *weights])
    except (UnknownNameError, ArgumentError, TypeError) as error:
        raise ConfigError(f"loss: {error}") from error
    return CFANetLoss(levels, density_loss=density, stride=stride)


def _make(name: str, stride: int, options: dict[str, Any]) -> nn.Module:
    loss = create_loss(name, **options)
    if "stride" in options or not hasattr(loss, "stride"):
        return loss
    return create_loss(name, **{**options, "stride": stride})


def fit_levels(crops: TrainingSet, *, levels: int) -> DensityLevels:
    """Find the edges of the density levels over the whole training images, in one stream.

    Args:
        crops: The training set; its images are taken whole.
        levels: Number of classes, the background included.

    Returns:
        The levels.
    """
    maps = (
        true_map(_shape_only(crops, index), crops.place(index)[1], crops.stride)
        for index in range(crops.images)
    )
    return DensityLevels.fit(maps, levels=levels, stride=crops.stride)


def _shape_only(crops: TrainingSet, index: int) -> Sample:
    # The levels need no pixels, and reading 400 photographs takes a while.
    source, rule, number = crops.place(index)
    blank = torch.zeros(1).expand(3, *source.size(number))
    sample = crops.resize(Sample(blank, source.annotation(number).points, {}))
    size: tuple[Any, ...] = tuple(sample.image.shape[-2:])
    return sample._replace(sigma=rule(sample.points, (int(size[0]), int(size[1]))))
