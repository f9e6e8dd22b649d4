"""Train, evaluate, count: plain functions on a frozen configuration."""

from crowdkit import _guard as _guard
from crowdkit.engine.config import DataConfig, LossConfig, ModelConfig, OptimConfig, RunConfig, TrainConfig
from crowdkit.engine.config_io import config_from_dict, config_to_dict, config_to_toml, load_config
from crowdkit.engine.counting.crew import Crew
from crowdkit.engine.counting.picture import PixelArray
from crowdkit.engine.counting.predict import Count, predict
from crowdkit.engine.counting.reach import Reach, find_reach
from crowdkit.engine.counting.whole import ImageTooLargeError
from crowdkit.engine.evaluation import evaluate, mean_baseline
from crowdkit.engine.explanation import Explanation, explain
from crowdkit.engine.export import Exported, ExportError, export_model
from crowdkit.engine.interrupt import TrainingInterrupted
from crowdkit.engine.locating import count_zones, locate
from crowdkit.engine.result import ImageCount, Localisation, Result, results_table
from crowdkit.engine.sources import open_dataset, open_split
from crowdkit.engine.training.loop import NonFiniteLossError, TrainResult, train
from crowdkit.engine.training.schedule import build_optimizer, learning_rate

__all__ = [
    "Count",
    "Crew",
    "DataConfig",
    "Explanation",
    "ExportError",
    "Exported",
    "ImageCount",
    "ImageTooLargeError",
    "Localisation",
    "LossConfig",
    "ModelConfig",
    "NonFiniteLossError",
    "OptimConfig",
    "PixelArray",
    "Reach",
    "Result",
    "RunConfig",
    "TrainConfig",
    "TrainResult",
    "TrainingInterrupted",
    "build_optimizer",
    "config_from_dict",
    "config_to_dict",
    "config_to_toml",
    "count_zones",
    "evaluate",
    "explain",
    "export_model",
    "find_reach",
    "learning_rate",
    "load_config",
    "locate",
    "mean_baseline",
    "open_dataset",
    "open_split",
    "predict",
    "results_table",
    "train",
]
