"""Density maps of all genuine ShanghaiTech training annotations: every image sums to its number of people."""

import os
from pathlib import Path

import pytest
import torch

from crowdkit.data import ShanghaiTech
from crowdkit.ops import count
from crowdkit.targets import density_map, sigma_rule

ROOT = os.environ.get("CROWDKIT_DATA")


@pytest.mark.real
@pytest.mark.skipif(ROOT is None, reason="CROWDKIT_DATA is not set")
@pytest.mark.parametrize(("part", "images", "people"), [("A", 300, 162_413), ("B", 400, 49_151)])
def test_every_real_map_sums_to_its_heads(part: str, images: int, people: int) -> None:
    data = ShanghaiTech(Path(str(ROOT)) / "ShanghaiTech", part=part)
    total = 0
    for index in range(len(data)):
        points, size = data.annotation(index).points, data.size(index)
        sigma = sigma_rule(data.sigma_rule)(points, size)
        for stride in (1, 2, 4, 8):
            density = density_map(points, size, sigma=sigma, stride=stride)
            found = float(count(density[None, None].to(torch.float64)))
            assert found == pytest.approx(len(points), rel=1e-4), (data.names[index], stride)
        total += len(points)
    assert (len(data), total) == (images, people)
