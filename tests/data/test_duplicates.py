"""Photographs that occur twice are found whatever was done to their file, others are not."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from crowdkit.data import (
    CrowdFolder,
    ShanghaiTech,
    Subset,
    SyntheticCrowd,
    find_duplicates,
    image_hash,
    read_image,
)
from crowdkit.errors import ArgumentError


def naive_hash(image: np.ndarray) -> list[bool]:
    luma = np.tensordot([0.299, 0.587, 0.114], image, 1).astype(np.float32)
    gray = Image.fromarray(luma).resize((32, 32), Image.Resampling.BILINEAR)
    pixels = np.asarray(gray, dtype=np.float64)
    n = np.arange(32)
    basis = np.cos(np.pi * (2 * n[None] + 1) * n[:, None] / 64) * np.sqrt(2 / 32)
    basis[0] /= np.sqrt(2)
    waves = (basis @ pixels @ basis.T)[:8, :8].ravel()[1:]
    return list(waves > np.median(waves))


def test_the_hash_is_the_naive_one():
    for index in range(4):
        image = SyntheticCrowd(4)[index].image
        differing = sum(
            a != b for a, b in zip(image_hash(image).tolist(), naive_hash(image.numpy()), strict=True)
        )
        assert differing <= 1  # frequencies beside the median, by the last bits of two resizings


def changed(image: torch.Tensor, tmp_path: Path) -> list[torch.Tensor]:
    pixels = Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())
    small, jpeg = pixels.resize((pixels.width * 2 // 3, pixels.height * 2 // 3)), io.BytesIO()
    pixels.save(jpeg, "JPEG", quality=30)
    files = [tmp_path / "small.png", tmp_path / "jpeg.jpg", tmp_path / "gray.png"]
    small.save(files[0])
    files[1].write_bytes(jpeg.getvalue())
    pixels.convert("L").save(files[2])
    return [read_image(each) for each in files]


def test_resizing_compression_and_gray_keep_the_hash(tmp_path):
    image = SyntheticCrowd(1, size=(120, 160))[0].image
    for other in changed(image, tmp_path):
        assert int((image_hash(image) != image_hash(other)).sum()) <= 4


def test_pairs_of_one_and_of_two_data_sets_are_named():
    scenes = SyntheticCrowd(12)
    twice = Subset(scenes, [3, 5, 3])
    pairs = find_duplicates([Subset(scenes, [0, 1, 2, 3]), twice])
    named = [(each.first, each.second) for each in pairs]
    assert named == [
        ((0, "train_00003"), (1, "train_00003")),
        ((0, "train_00003"), (1, "train_00003")),
        ((1, "train_00003"), (1, "train_00003")),
    ]
    assert find_duplicates([Subset(scenes, [0, 1]), Subset(scenes, [5, 6, 7])]) == []
    assert find_duplicates([]) == []


@pytest.mark.parametrize("distance", [-1, 64])
def test_a_distance_beyond_the_hash_is_refused(distance):
    with pytest.raises(ArgumentError, match="distance: expected 0 to 63"):
        find_duplicates([], distance=distance)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif("CROWDKIT_DATA" not in os.environ, reason="CROWDKIT_DATA is not set")
def test_the_photographs_that_shanghaitech_and_ucf_share():
    root = Path(os.environ["CROWDKIT_DATA"])
    part_a, ucf = ShanghaiTech(root / "ShanghaiTech"), CrowdFolder(root / "more/UCF_CC_50")
    pairs = find_duplicates([part_a, ucf])
    across = {(first[1], second[1]) for first, second, _ in pairs if first[0] != second[0]}
    assert across == {
        ("IMG_134", "49"), ("IMG_283", "41"), ("IMG_283", "46"), ("IMG_118", "41"), ("IMG_118", "46"),
        ("IMG_297", "32"), ("IMG_294", "28"), ("IMG_287", "25"),
    }  # fmt: skip
    own = {(first[1], second[1]) for first, second, _ in pairs if first[0] == second[0] == 0}
    assert own == {("IMG_118", "IMG_283"), ("IMG_167", "IMG_169")}
