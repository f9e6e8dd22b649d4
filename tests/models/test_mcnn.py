"""MCNN: the original network written out plainly, its released layouts, its start."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.data import SyntheticCrowd
from crowdkit.errors import CrowdKitError, DataError, DTypeError, UnknownNameError
from crowdkit.models import MCNN, create_model, load_model, load_published
from crowdkit.models._ragged_sizes import fit_density
from crowdkit.targets import density_map

# Channels and kernels of each branch's convolutions, as the original repositories list them.
BRANCHES = {
    1: ((16, 9), (32, 7), (16, 7), (8, 7)),
    2: ((20, 7), (40, 5), (20, 5), (10, 5)),
    3: ((24, 5), (48, 3), (24, 3), (12, 3)),
}


def picture(height: int, width: int) -> Tensor:
    """Bright and dark blobs in whole steps of 1/255, the same on every machine."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    channels = [(x * a + y * b + (x * y) % c) % 256 for a, b, c in ((3, 5, 11), (7, 2, 13), (1, 9, 17))]
    return torch.stack(channels)[None].float() / 255


def released(prefix: str, *, gray: bool, conv: str) -> dict[str, Tensor]:
    """Weights in the key names of one of the repositories; sines, scaled so that the signal lives."""
    places = (0, 2, 4, 5) if conv else (0, 3, 6, 8)
    state: dict[str, Tensor] = {}
    for branch, layers in BRANCHES.items():
        inputs = 1 if gray else 3
        for place, (width, kernel) in zip(places, layers, strict=True):
            numbers = torch.arange(width * inputs * kernel**2, dtype=torch.float64)
            weight = torch.sin(numbers * 0.7 + branch) / (inputs * kernel**2) ** 0.5
            key = f"{prefix}branch{branch}.{place}{conv}"
            state[f"{key}.weight"] = weight.reshape(width, inputs, kernel, kernel).float()
            state[f"{key}.bias"] = torch.cos(torch.arange(width).float()) * 0.1
            inputs = width
    state[f"{prefix}fuse.0{conv}.weight"] = (torch.sin(torch.arange(30.0)) * 1e-2).reshape(1, 30, 1, 1)
    state[f"{prefix}fuse.0{conv}.bias"] = torch.tensor([-0.05])
    return state


def original(state: dict[str, Tensor], x: Tensor, *, prefix: str, conv: str) -> Tensor:
    """The network of the repositories, without the last ReLU that one of them has."""
    places = (0, 2, 4, 5) if conv else (0, 3, 6, 8)
    columns = []
    for branch in BRANCHES:
        y = x
        for index, place in enumerate(places):
            key = f"{prefix}branch{branch}.{place}{conv}"
            weight = state[f"{key}.weight"]
            y = F.relu(F.conv2d(y, weight, state[f"{key}.bias"], padding=weight.shape[-1] // 2))
            if index < 2:
                y = F.max_pool2d(y, 2)
        columns.append(y)
    key = f"{prefix}fuse.0{conv}"
    return F.conv2d(torch.cat(columns, 1), state[f"{key}.weight"], state[f"{key}.bias"])


def as_bytes(image: Tensor) -> np.ndarray:
    return (image[0] * 255).round().byte().permute(1, 2, 0).numpy()


@pytest.mark.parametrize("prefix", ["DME.", ""])
@pytest.mark.parametrize("size", [(48, 64), (50, 67)])
def test_released_gray_weights_count_as_the_original_does(
    prefix: str, size: tuple[int, int], tmp_path: Path
) -> None:
    from PIL import Image

    state = released(prefix, gray=True, conv=".conv")
    torch.save(state, tmp_path / "mcnn.pth")
    model = MCNN.load_published(tmp_path / "mcnn.pth")
    image = picture(*size)
    gray = Image.fromarray(as_bytes(image)).convert("L")
    gray = gray.resize((size[1] // 4 * 4, size[0] // 4 * 4), Image.Resampling.BILINEAR)
    expected = original(state, torch.tensor(np.array(gray))[None, None].float(), prefix=prefix, conv=".conv")
    with torch.no_grad():
        found = model(image)
    # Pillow rounds between the two directions of a resize, and one level of a pixel is 0.1 % of a count here.
    exact = size == (48, 64)
    torch.testing.assert_close(
        found.count, expected.relu().sum((1, 2, 3)), rtol=1e-5 if exact else 2e-3, atol=0
    )
    assert found.density.shape == (1, 1, -(-size[0] // 4), -(-size[1] // 4))
    if exact:
        torch.testing.assert_close(found.density, expected.relu(), rtol=1e-4, atol=1e-5)
    assert (expected < 0).any()
    assert model.gray
    assert not model.training


def test_released_rgb_weights_count_as_the_original_does(tmp_path: Path) -> None:
    state = released("", gray=False, conv="")
    torch.save(state, tmp_path / "mcnn.param")
    model = load_published("mcnn", tmp_path / "mcnn.param")
    image = picture(40, 56)
    expected = original(state, image * 255, prefix="", conv="")
    with torch.no_grad():
        torch.testing.assert_close(model(image).density, expected, rtol=1e-4, atol=1e-4)
    assert (expected < 0).any()


def test_a_folder_keeps_what_the_original_does(tmp_path: Path) -> None:
    torch.save(released("DME.", gray=True, conv=".conv"), tmp_path / "mcnn.pth")
    model = MCNN.load_published(tmp_path / "mcnn.pth")
    model.save(tmp_path / "saved")
    image = picture(30, 41)
    with torch.no_grad():
        assert torch.equal(load_model(tmp_path / "saved")(image).density, model(image).density)


def test_a_file_that_does_not_fit_is_told_in_its_own_names(tmp_path: Path) -> None:
    state = released("DME.", gray=True, conv=".conv")
    del state["DME.branch2.4.conv.bias"]
    state["DME.branch1.0.conv.weight"] = torch.rand(16, 1, 7, 7)
    torch.save(state, tmp_path / "mcnn.pth")
    with pytest.raises(DataError) as told:
        MCNN.load_published(tmp_path / "mcnn.pth")
    assert "1 missing: branch2.4.conv.bias; 1 of another shape: branch1.0.conv.weight" in str(told.value)
    torch.save({"features.0.weight": torch.ones(1)}, tmp_path / "vgg.pth")
    with pytest.raises(DataError, match=r"26 missing: .*; 1 unexpected: features\.0\.weight"):
        MCNN.load_published(tmp_path / "vgg.pth")


@pytest.mark.parametrize("edges", ["pad", "resize", "drop"])
@pytest.mark.parametrize("size", [(64, 64), (33, 46), (3, 9)])
def test_edges_give_the_cells_of_the_image(edges: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    model = MCNN(edges=edges).eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, *size)).density.shape == (1, 1, -(-size[0] // 4), -(-size[1] // 4))


@pytest.mark.parametrize("size", [(64, 64), (67, 41), (3, 5), (1023, 9)])
def test_a_resized_map_keeps_its_people_and_their_places(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    rows, columns = (max(1, side // 4) for side in size)
    small = torch.rand(2, 1, rows, columns)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        laid = fit_density(small, torch.Size(size), stride=4, edges="resize")
    torch.testing.assert_close(laid.sum((1, 2, 3)), small.sum((1, 2, 3)))
    # By hand: cut the side into as many slivers as make both kinds of cells whole, and count them.
    slivers = np.repeat(small[0, 0].double().sum(1).numpy() / size[0], size[0])
    cells = [slivers[start : start + 4 * rows].sum() for start in range(0, len(slivers), 4 * rows)]
    np.testing.assert_allclose(laid[0, 0].sum(1).numpy(), cells, rtol=1e-4)


def test_gray_is_the_luma() -> None:
    """A photograph and its gray copy give one map."""
    model = MCNN(gray=True).eval()
    image = picture(32, 40)
    luma = (image * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    with torch.no_grad():
        found, same = model(image).density, model(luma.expand(-1, 3, -1, -1)).density
    torch.testing.assert_close(found, same, rtol=1e-4, atol=1e-8)


def test_the_default_start_trains() -> None:
    crowd = SyntheticCrowd(2, size=(64, 64), people=(5, 20))
    images = torch.stack([sample.image for sample in crowd])
    maps = [density_map(sample.points, (64, 64), sigma=4.0, stride=4) for sample in crowd]
    targets = torch.stack(maps)[:, None] * 100
    torch.manual_seed(0)
    model = MCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(30):
        optimizer.zero_grad()
        loss = F.mse_loss(model(images).density * 100, targets)
        loss.backward()
        optimizer.step()
    # Less than what remains when every cell is given the mean.
    assert loss < 0.7 * (targets - targets.mean()).square().mean()


def test_the_originals_start_loses_the_signal() -> None:
    """Why it is not the default: the map hardly differs from cell to cell."""
    torch.manual_seed(0)
    image = picture(64, 64)
    with torch.no_grad():
        ours, theirs = (MCNN(init=init)(image).density for init in ("kaiming", "normal"))
    assert ours.std() / ours.mean() > 100 * theirs.std() / theirs.mean()


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"gray": "yes"}, DTypeError, "gray: expected True or False, got 'yes'"),
        ({"pixels": "rav"}, UnknownNameError, "did you mean 'raw'"),
        ({"edges": "pads"}, UnknownNameError, "did you mean 'pad'"),
        ({"init": "xavier"}, UnknownNameError, "init: expected one of"),
    ],
)
def test_bad_keywords_are_told(keywords: dict[str, Any], error: type[CrowdKitError], message: str) -> None:
    with pytest.raises(error, match=message):
        create_model("mcnn", **keywords)
