"""The VGG-19 of Bayesian loss and DM-Count: their checkpoints, and a plain transcription of their networks."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import DataError, DTypeError, UnknownNameError
from crowdkit.models import VGG19BL, load_model

# Configuration E of VGG, without its last pooling.
LAYOUT = [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4]
Draw = Callable[[dict[str, tuple[int, ...]]], dict[str, Tensor]]


def shapes(last: str) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    place, inputs = 0, 3
    for each in LAYOUT:
        if each == "M":
            place += 1
            continue
        found |= {f"features.{place}.weight": (each, inputs, 3, 3), f"features.{place}.bias": (each,)}
        place, inputs = place + 2, each
    for key, outputs, inputs, side in (
        ("reg_layer.0", 256, 512, 3),
        ("reg_layer.2", 128, 256, 3),
        (last, 1, 128, 1),
    ):
        found |= {f"{key}.weight": (outputs, inputs, side, side), f"{key}.bias": (outputs,)}
    return found


def original(state: dict[str, Tensor], image: Tensor, last: str) -> Tensor:
    """The last layer's output as the original networks compute it, before the activation."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    place = 0
    for each in LAYOUT:
        if each == "M":
            x = F.max_pool2d(x, kernel_size=2, stride=2)
            place += 1
        else:
            x = F.relu(
                F.conv2d(x, state[f"features.{place}.weight"], state[f"features.{place}.bias"], padding=1)
            )
            place += 2
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
    for key in ("reg_layer.0", "reg_layer.2"):
        x = F.relu(F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], padding=1))
    return F.conv2d(x, state[f"{last}.weight"], state[f"{last}.bias"])


@pytest.mark.parametrize(
    ("last", "output", "activation", "wrapped"),
    [("reg_layer.4", "abs", torch.abs, False), ("density_layer.0", "relu", torch.relu, True)],
)
def test_published_weights_count_as_the_original(
    tmp_path: Path,
    draw_weights: Draw,
    last: str,
    output: str,
    activation: Callable[[Tensor], Tensor],
    wrapped: bool,
) -> None:
    state = draw_weights(shapes(last))
    state[f"{last}.bias"] -= original(state, torch.full((1, 3, 32, 32), 0.5), last).mean()  # both signs
    file = tmp_path / "published.pth"
    torch.save({"model_state_dict": state, "epoch": 3} if wrapped else state, file)
    model = VGG19BL.load_published(file)
    assert not model.training
    assert model.config["output"] == output
    # The second has sides that 16 does not divide: the original's poolings drop 5 rows and 9 columns.
    for size, kept in (((32, 48), (4, 6)), ((37, 57), (4, 6))):
        image = torch.rand(2, 3, *size)
        with torch.no_grad():
            ours, linear = model(image), original(state, image, last)
        assert linear.min() < 0 < linear.max()
        expected = activation(linear)
        assert expected.shape[-2:] == kept
        torch.testing.assert_close(ours.density[..., : kept[0], : kept[1]], expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(ours.count, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-4)
        assert ours.density.shape[-2:] == (-(-size[0] // 8), -(-size[1] // 8))


def test_a_saved_published_model_stays_itself(tmp_path: Path, draw_weights: Draw) -> None:
    torch.save(draw_weights(shapes("reg_layer.4")), tmp_path / "published.pth")
    model = VGG19BL.load_published(tmp_path / "published.pth")
    model.save(tmp_path / "folder")
    again, image = load_model(tmp_path / "folder"), torch.rand(1, 3, 41, 33)
    with torch.no_grad():
        assert torch.equal(again(image).density, model(image).density)


def test_what_does_not_fit_is_listed(tmp_path: Path, draw_weights: Draw) -> None:
    wrong = shapes("reg_layer.4")
    del wrong["features.34.bias"]
    wrong |= {"classifier.weight": (2, 2), "reg_layer.2.bias": (3,)}
    torch.save(draw_weights(wrong), tmp_path / "published.pth")
    with pytest.raises(DataError) as caught:
        VGG19BL.load_published(tmp_path / "published.pth")
    for told in (
        "1 missing: features.34.bias",
        "1 unexpected: classifier.weight",
        "reg_layer.2.bias (expected (128,)",
    ):
        assert told in str(caught.value)


def test_cells_stay_where_they_are_unless_corners_are_aligned() -> None:
    """A bright square in the deepest feature: the plain upsample keeps its center, the aligned one moves it."""
    from crowdkit.ops import upsample

    deep = torch.zeros(1, 1, 1, 8)
    deep[..., 6] = 1
    at = torch.arange(16) + 0.5
    plain, aligned = ((upsample(deep, align_corners=a)[0, 0, 0] * at).sum() / 2 for a in (False, True))
    assert float(plain) == 13.0
    assert abs(float(aligned) - 13.0) > 0.2


def test_bad_keywords_are_told() -> None:
    with pytest.raises(DTypeError, match="align_corners: expected True or False, got 'no'"):
        VGG19BL(align_corners="no")
    with pytest.raises(UnknownNameError, match="did you mean 'drop'"):
        VGG19BL(edges="dropp")
