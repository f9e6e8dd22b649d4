"""Train a model as a configuration says, and bundle what was trained."""

from crowdkit import _guard as _guard
from crowdkit.training._train import TrainResult, train
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
from crowdkit.training.epoch_batches import EpochBatches
from crowdkit.training.feed import Example, TrainingSet, collate_examples
from crowdkit.training.meter import Meter as Meter, NonFiniteLossError
from crowdkit.training.objective import build_loss
from crowdkit.training.opening import open_trainer as open_trainer
from crowdkit.training.run_folder import RunFolder as RunFolder
from crowdkit.training.schedule import build_optimizer, learning_rate
from crowdkit.training.sources import data_sources, open_dataset, open_split, open_splits, resizing
from crowdkit.training.trainer import Trainer as Trainer

__all__ = [
    "DataConfig",
    "EpochBatches",
    "Example",
    "LossConfig",
    "ModelConfig",
    "NonFiniteLossError",
    "OptimConfig",
    "RunConfig",
    "SourceConfig",
    "TrainConfig",
    "TrainResult",
    "TrainingSet",
    "build_loss",
    "build_optimizer",
    "bundle",
    "collate_examples",
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
    "train",
]
