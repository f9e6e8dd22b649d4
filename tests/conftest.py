"""Data sets in their genuine layout on disk, made here: tiny drawn JPEGs and MATLAB files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from scipy.io import savemat

# A busy machine is no fault of the code.
settings.register_profile("crowdkit", deadline=None)
settings.load_profile("crowdkit")

Heads = Sequence[Sequence[float]]


def write_jpeg(path: Path, size: tuple[int, int], *, grey: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(size[0])
    shape = size if grey else (*size, 3)
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
        write_jpeg(folder / f"images/IMG_{number}.jpg", (20 + number, 30), grey=number == 3)
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
