"""Test data for the rows: synthetic photographs, and networks whose maps are worth comparing."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from crowdkit.data import SyntheticCrowd, unit_range
from crowdkit.models import CrowdModel, create_model

_SCENE = (192, 256)


def photograph(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Draw a picture of any size, shape (H, W, 3): scenes of people side by side, each in a different light."""
    rows, columns = -(-height // _SCENE[0]), -(-width // _SCENE[1])
    rng = np.random.default_rng(seed)
    scenes = _scenes()
    picture = np.empty((rows * _SCENE[0], columns * _SCENE[1], 3), np.uint8)
    for row in range(rows):
        for column in range(columns):
            scene = scenes[rng.integers(len(scenes))][:, :: rng.choice([-1, 1])]
            light = (np.arange(256) * rng.uniform(0.5, 1.0)).astype(np.uint8)
            top, left = row * _SCENE[0], column * _SCENE[1]
            picture[top : top + _SCENE[0], left : left + _SCENE[1]] = light[scene]
    return np.ascontiguousarray(picture[:height, :width])


def save(pixels: NDArray[np.uint8], path: Path) -> Path:
    """Write a picture as JPEG with the quality of a camera's, and return its path."""
    Image.fromarray(pixels).save(path, **({"quality": 92} if path.suffix == ".jpg" else {}))
    return path


def lively(name: str, **options: object) -> CrowdModel:
    """Create a network with random weights whose map varies over a picture as a trained one's does.

    With default weights many networks output nearly one number everywhere, and two ways of computing that would agree
    however wrong they are: here every convolution starts by Kaiming's rule, and batch norms hold the mean and variance
    of a synthetic picture.
    """
    torch.manual_seed(0)
    model = create_model(name, **options)
    norms = []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            norms.append(module)
            module.momentum = None  # the mean over everything seen
    image = unit_range(photograph(384, 512))[None]
    with torch.no_grad():
        if norms:
            model.train()(image)
        density = model.eval()(image).density
    if not float(density.std()) > 0.1 * float(density.mean()):
        raise RuntimeError(
            f"{name}: expected a map that varies, got {float(density.std() / density.mean()):.1e}"
        )
    return model


@cache
def _scenes() -> list[NDArray[np.uint8]]:
    scenes = SyntheticCrowd(12, size=_SCENE, people=(20, 120))
    return [(scenes[i].image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8) for i in range(12)]
