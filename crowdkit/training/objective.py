"""The loss of a run, from its configuration and its model."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from crowdkit.data import density_target, sample_without_pixels
from crowdkit.errors import ArgumentError, ConfigError, UnknownNameError, check_keywords
from crowdkit.losses import CFANetLoss, LossModule, WeightedSum, ZeroInflatedPoissonLoss, create_loss
from crowdkit.targets import DensityLevels, DensityScale
from crowdkit.training.config import LossConfig
from crowdkit.training.feed import TrainingSet


def build_loss(
    config: LossConfig,
    *,
    stride: int,
    levels: DensityLevels | None,
    bins: Sequence[int] | None = None,
    crops: TrainingSet | None = None,
) -> CFANetLoss:
    """Make the loss of a run: the density loss of every stage, and the attention losses of the model.

    Args:
        config: The loss section.
        stride: The model's stride.
        levels: The density levels of the model's fine attention, if it has one.
        bins: The bins of the model's blocks, if it counts them.
        crops: The training set, on which a loss that asks for the crowd's ``density`` has it measured.

    Returns:
        ``loss(prediction, density, progress=..., points=...)``.

    Raises:
        ConfigError: If there is no such loss, or it does not take an option.
    """
    if "reduction" in config.options:
        raise ConfigError("loss.options: expected no reduction, which is the mean over a batch; take it away")
    try:
        density: nn.Module = _make(config.name, config.options, stride, crops)
        if config.also:
            tables = {
                name: also if isinstance(also, dict) else {"weight": also}
                for name, also in config.also.items()
            }
            others = [
                _make(name, {key: value for key, value in table.items() if key != "weight"}, stride, crops)
                for name, table in tables.items()
            ]
            weights = [table.get("weight", 1.0) for table in tables.values()]
            density = WeightedSum([density, *others], [1.0, *weights])
        keywords: dict[str, Any] = dict(config.blocks)
        block_weight = keywords.pop("weight", 1.0)
        check_keywords("keyword of loss.blocks", keywords, ZeroInflatedPoissonLoss)
        blocks = None if bins is None else ZeroInflatedPoissonLoss(bins=bins, **keywords)
    except (UnknownNameError, ArgumentError, TypeError) as error:
        raise ConfigError(f"loss: {error}") from error
    if bins is None and config.blocks:
        raise ConfigError(
            "loss.blocks: expected none for a model that counts no blocks; set model.options.blocks"
        )
    return CFANetLoss(
        levels, density_loss=density, stride=stride, block_loss=blocks, block_weight=block_weight
    )


def _make(name: str, options: dict[str, Any], stride: int, crops: TrainingSet | None) -> LossModule:
    loss = create_loss(name, **options)
    if "stride" in loss.settings and "stride" not in options:
        loss.stride = stride  # type: ignore[assignment]  # a setting, which torch takes for a module
    if "density" in loss.settings and "density" not in options and crops is not None:
        loss.density = DensityScale.fit(_true_maps(crops), stride=crops.stride).crowd  # type: ignore[assignment]
    return loss


def fit_levels(crops: TrainingSet, *, levels: int) -> DensityLevels:
    """Find the edges of the density levels over the whole training images, in one stream.

    Args:
        crops: The training set; its images are taken whole, and without their pixels.
        levels: Number of classes, the background included.

    Returns:
        The levels.
    """
    return DensityLevels.fit(_true_maps(crops), levels=levels, stride=crops.stride)


def _true_maps(crops: TrainingSet) -> Iterator[Tensor]:
    for source, images in enumerate(crops.sources):
        for number in range(len(images)):
            sample = crops.resize(sample_without_pixels(images, number))
            yield density_target(sample, crops.rules[source], crops.stride)
