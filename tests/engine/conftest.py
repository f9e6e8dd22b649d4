import json
from pathlib import Path

import pytest
import torch

from crowdkit.engine import config_from_dict

TINY = {
    "encoder": "test_efficientnet",
    "encoder_strides": [16, 8, 4],
    "levels": 3,
    "crr_widths": [8, 8, 8],
    "dle_widths": [8, 8, 8],
    "dme_widths": [8, 8, 8],
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """These networks are so small that a second thread only waits."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def make_tiny_config():
    """Make the configuration of a whole CFANet of 0.1 M parameters on eleven small scenes."""

    def make(folder, changes=None):
        values = {
            "data": {
                "dataset": "synthetic",
                "options": {"length": 11, "size": [64, 80], "people": [1, 12]},
                "crop": [48, 64],
                "val_fraction": 0.3,
            },
            "model": {"name": "cfanet_lite", "options": TINY},
            "optim": {"name": "adamw", "lr": 1e-3, "ema_decay": 0.9, "clip_norm": 1.0, "warmup": 0.1},
            "run": {"folder": str(folder / "run"), "epochs": 2, "batch_size": 2, "device": "cpu"},
        }
        for name, value in (changes or {}).items():
            section, key = name.split(".")
            values.setdefault(section, {})[key] = value
        return config_from_dict(values)

    return make


@pytest.fixture
def tiny_config(make_tiny_config, tmp_path):
    """Make the tiny configuration with other values: ``tiny_config({"run.epochs": 3})``."""
    return lambda changes=None: make_tiny_config(tmp_path, changes)


@pytest.fixture
def events():
    """Read the events of one kind from a run's log."""

    def read(folder, kind):
        lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    return read
