"""Data sets in their genuine layout on disk, made here, and the configuration of a training of a second."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image
from scipy.io import savemat

from crowdkit.models import create_model
from crowdkit.training import config_from_dict

# A busy machine is no fault of the code.
settings.register_profile("crowdkit", deadline=None)
settings.load_profile("crowdkit")

Heads = Sequence[Sequence[float]]


def write_jpeg(path: Path, size: tuple[int, int], *, gray: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(size[0])
    shape = size if gray else (*size, 3)
    Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path, quality=95)


def write_image_info(path: Path, heads: Heads) -> None:
    """Nested as ShanghaiTech's files are: cell, struct, cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info = np.empty((1, 1), dtype=object)
    points = np.asarray(heads, dtype=np.float64).reshape(-1, 2)
    info[0, 0] = {"location": points, "number": np.array([[len(points)]], dtype=np.uint16)}
    savemat(path, {"image_info": info})


@pytest.fixture
def jpeg() -> Callable[..., None]:
    return write_jpeg


@pytest.fixture
def image_info() -> Callable[[Path, Heads], None]:
    return write_image_info


@pytest.fixture
def shanghaitech(tmp_path: Path) -> Path:
    """Part A of 2016 and part B of 2015, twelve and two training images; MATLAB coordinates."""
    for number in range(1, 13):
        folder = tmp_path / "part_A/train_data"
        write_jpeg(folder / f"images/IMG_{number}.jpg", (20 + number, 30), gray=number == 3)
        heads = [[1.0, 1.0], [10.25, 5.5], [30.0, 20.0]][: 1 + number % 3]
        write_image_info(folder / f"ground-truth/GT_IMG_{number}.mat", heads)
    write_jpeg(tmp_path / "part_A/test_data/images/IMG_1.jpg", (20, 30))
    write_image_info(tmp_path / "part_A/test_data/ground-truth/GT_IMG_1.mat", [[2.0, 2.0]])
    for number in (1, 2):
        folder = tmp_path / "part_B_final/train_data"
        write_jpeg(folder / f"images/IMG_{number}.jpg", (24, 32))
        # The first lies half a pixel left of the image, the second far above it.
        write_image_info(folder / f"ground_truth/GT_IMG_{number}.mat", [[0.0, 5.0], [5.0, -9.0], [32.5, 8.0]])
    return tmp_path


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


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A saved model of 0.1 M random parameters."""
    folder = tmp_path_factory.mktemp("model")
    create_model("cfanet_lite", **TINY).save(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_settings():
    """What ``--set`` takes for a training of a second."""
    options = ", ".join(f"{key} = {value!r}" for key, value in TINY.items())
    return [
        "data.dataset=synthetic",
        "data.options={length = 8, size = [64, 80], people = [1, 12]}",
        "data.crop=[48, 64]",
        "data.val_fraction=0.25",
        "model.name=cfanet_lite",
        f"model.options={{{options}}}",
        "optim.lr=1e-3",
        "run.batch_size=2",
        "run.epochs=1",
    ]
