"""Train, evaluate, count: plain functions on a frozen configuration."""

from crowdkit import _guard as _guard
from crowdkit.engine.bundling import bundle
from crowdkit.engine.calibration.calibration import Calibration, HeldOut, read_calibration, write_calibration
from crowdkit.engine.calibration.coverage import Coverage, measure_coverage
from crowdkit.engine.calibration.domain import Domain
from crowdkit.engine.calibration.gather import calibrate
from crowdkit.engine.calibration.interval import CountInterval
from crowdkit.engine.calibration.traits import Traits
from crowdkit.engine.cards import card_text, coverage_table
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
from crowdkit.engine.opening import Opened, open_model
from crowdkit.engine.result import ImageCount, Localisation, Result, results_table
from crowdkit.engine.sources import open_dataset, open_split, open_splits
from crowdkit.engine.training.loop import NonFiniteLossError, TrainResult, train
from crowdkit.engine.training.schedule import build_optimizer, learning_rate

__all__ = [
    "Calibration",
    "Count",
    "CountInterval",
    "Coverage",
    "Crew",
    "DataConfig",
    "Domain",
    "Explanation",
    "ExportError",
    "Exported",
    "HeldOut",
    "ImageCount",
    "ImageTooLargeError",
    "Localisation",
    "LossConfig",
    "ModelConfig",
    "NonFiniteLossError",
    "Opened",
    "OptimConfig",
    "PixelArray",
    "Reach",
    "Result",
    "RunConfig",
    "TrainConfig",
    "TrainResult",
    "TrainingInterrupted",
    "Traits",
    "build_optimizer",
    "bundle",
    "calibrate",
    "card_text",
    "config_from_dict",
    "config_to_dict",
    "config_to_toml",
    "count_zones",
    "coverage_table",
    "evaluate",
    "explain",
    "export_model",
    "find_reach",
    "learning_rate",
    "load_config",
    "locate",
    "mean_baseline",
    "measure_coverage",
    "open_dataset",
    "open_model",
    "open_split",
    "open_splits",
    "predict",
    "read_calibration",
    "results_table",
    "train",
    "write_calibration",
]
