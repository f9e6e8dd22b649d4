"""Train a model as a configuration says, and bundle what was trained."""

from crowdkit import _guard as _guard
from crowdkit.training.bundling import bundle
from crowdkit.training.cards import card_text as card_text
from crowdkit.training.config import (
    DataConfig,
    LossConfig,
    ModelConfig,
    OptimConfig,
    RunConfig,
    SourceConfig,
    TrainConfig,
)
from crowdkit.training.config_io import config_from_dict, config_to_dict, config_to_toml, load_config
from crowdkit.training.feed import (
    EpochBatches,
    TrainingBatch,
    TrainingSet,
    stack,
)
from crowdkit.training.loop import NonFiniteLossError, TrainResult, take_step as take_step, train
from crowdkit.training.meter import Meter as Meter
from crowdkit.training.objective import build_loss
from crowdkit.training.run import Run as Run, open_run as open_run
from crowdkit.training.schedule import build_optimizer, learning_rate
from crowdkit.training.sources import data_sources, open_dataset, open_split, open_splits, resizing

__all__ = [
    "DataConfig",
    "EpochBatches",
    "LossConfig",
    "ModelConfig",
    "NonFiniteLossError",
    "OptimConfig",
    "RunConfig",
    "SourceConfig",
    "TrainConfig",
    "TrainResult",
    "TrainingBatch",
    "TrainingSet",
    "build_loss",
    "build_optimizer",
    "bundle",
    "config_from_dict",
    "config_to_dict",
    "config_to_toml",
    "data_sources",
    "learning_rate",
    "load_config",
    "open_dataset",
    "open_split",
    "open_splits",
    "resizing",
    "stack",
    "train",
]
