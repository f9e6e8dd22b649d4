"""Train, evaluate, count: plain functions on a frozen configuration.

Names are imported when they are asked for: counting a photograph needs no training, no metrics and no torchmetrics,
which take seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crowdkit import _guard as _guard

if TYPE_CHECKING:
    from crowdkit.engine.bundling import bundle
    from crowdkit.engine.calibration.calibration import (
        Calibration,
        HeldOut,
        read_calibration,
        write_calibration,
    )
    from crowdkit.engine.calibration.coverage import Coverage, measure_coverage
    from crowdkit.engine.calibration.domain import Domain
    from crowdkit.engine.calibration.gather import calibrate
    from crowdkit.engine.calibration.interval import CountInterval
    from crowdkit.engine.calibration.traits import Traits
    from crowdkit.engine.cards import card_text, coverage_table
    from crowdkit.engine.config import (
        DataConfig,
        LossConfig,
        ModelConfig,
        OptimConfig,
        RunConfig,
        TrainConfig,
    )
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

_HOMES = {
    "Calibration": "crowdkit.engine.calibration.calibration",
    "Count": "crowdkit.engine.counting.predict",
    "CountInterval": "crowdkit.engine.calibration.interval",
    "Coverage": "crowdkit.engine.calibration.coverage",
    "Crew": "crowdkit.engine.counting.crew",
    "DataConfig": "crowdkit.engine.config",
    "Domain": "crowdkit.engine.calibration.domain",
    "Explanation": "crowdkit.engine.explanation",
    "ExportError": "crowdkit.engine.export",
    "Exported": "crowdkit.engine.export",
    "HeldOut": "crowdkit.engine.calibration.calibration",
    "ImageCount": "crowdkit.engine.result",
    "ImageTooLargeError": "crowdkit.engine.counting.whole",
    "Localisation": "crowdkit.engine.result",
    "LossConfig": "crowdkit.engine.config",
    "ModelConfig": "crowdkit.engine.config",
    "NonFiniteLossError": "crowdkit.engine.training.loop",
    "Opened": "crowdkit.engine.opening",
    "OptimConfig": "crowdkit.engine.config",
    "PixelArray": "crowdkit.engine.counting.picture",
    "Reach": "crowdkit.engine.counting.reach",
    "Result": "crowdkit.engine.result",
    "RunConfig": "crowdkit.engine.config",
    "TrainConfig": "crowdkit.engine.config",
    "TrainResult": "crowdkit.engine.training.loop",
    "TrainingInterrupted": "crowdkit.engine.interrupt",
    "Traits": "crowdkit.engine.calibration.traits",
    "build_optimizer": "crowdkit.engine.training.schedule",
    "bundle": "crowdkit.engine.bundling",
    "calibrate": "crowdkit.engine.calibration.gather",
    "card_text": "crowdkit.engine.cards",
    "config_from_dict": "crowdkit.engine.config_io",
    "config_to_dict": "crowdkit.engine.config_io",
    "config_to_toml": "crowdkit.engine.config_io",
    "count_zones": "crowdkit.engine.locating",
    "coverage_table": "crowdkit.engine.cards",
    "evaluate": "crowdkit.engine.evaluation",
    "explain": "crowdkit.engine.explanation",
    "export_model": "crowdkit.engine.export",
    "find_reach": "crowdkit.engine.counting.reach",
    "learning_rate": "crowdkit.engine.training.schedule",
    "load_config": "crowdkit.engine.config_io",
    "locate": "crowdkit.engine.locating",
    "mean_baseline": "crowdkit.engine.evaluation",
    "measure_coverage": "crowdkit.engine.calibration.coverage",
    "open_dataset": "crowdkit.engine.sources",
    "open_model": "crowdkit.engine.opening",
    "open_split": "crowdkit.engine.sources",
    "open_splits": "crowdkit.engine.sources",
    "predict": "crowdkit.engine.counting.predict",
    "read_calibration": "crowdkit.engine.calibration.calibration",
    "results_table": "crowdkit.engine.result",
    "train": "crowdkit.engine.training.loop",
    "write_calibration": "crowdkit.engine.calibration.calibration",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


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
