"""Encoders: any size, one layout, weights from a file that fit or are refused in words."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from crowdkit.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from crowdkit.layers import TimmEncoder, VGG16Encoder
from crowdkit.layers.encoder import read_weights


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_vgg_is_the_front_end_of_csrnet() -> None:
    encoder = VGG16Encoder()
    assert parameters(encoder) == 7_635_264
    assert [k for k in encoder.state_dict() if "weight" in k] == [
        f"features.{i}.weight" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21)
    ]


def test_vgg_equals_torchvisions(tmp_path: Path) -> None:
    from torchvision.models import vgg16

    torch.manual_seed(0)
    theirs = vgg16(weights=None).eval()
    file = tmp_path / "vgg16.pth"
    torch.save(theirs.state_dict(), file)
    ours = VGG16Encoder(file).eval()
    image = torch.rand(1, 3, 32, 48)
    normalised = (image - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    with torch.no_grad():
        for feature, end in zip(ours(image), (23, 16, 9, 4), strict=True):
            torch.testing.assert_close(feature, theirs.features[:end](normalised))


def test_imagenet_by_name_is_torchvisions_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import _api, vgg16

    torch.manual_seed(0)
    state, asked = vgg16(weights=None).state_dict(), []
    monkeypatch.setattr(_api, "load_state_dict_from_url", lambda url, **_: asked.append(url) or state)
    encoder = VGG16Encoder("imagenet")
    assert len(asked) == 1
    assert "vgg16-" in asked[0]
    assert torch.equal(encoder.features[21].weight, state["features.21.weight"])


@pytest.mark.parametrize("size", [(8, 8), (9, 15), (97, 131), (1, 1)])
def test_vgg_takes_any_size(size: tuple[int, int]) -> None:
    features = VGG16Encoder()(torch.rand(1, 3, *size))
    height, width = -(-size[0] // 8), -(-size[1] // 8)
    assert [f.shape[-2:] for f in features] == [(height * k, width * k) for k in (1, 2, 4, 8)]


# One each of: plain, BatchNorm, ceil and floor, NHWC output, fixed-size windows, patches of one stride.
NETWORKS = {
    "test_resnet": (32, 16, 8, 4, 2),
    "test_efficientnet": (32, 16, 8, 4, 2),
    "vgg11": (32, 16, 8, 4, 2, 1),
    "test_mambaout": (32, 16, 8, 4),
    "swin_tiny_patch4_window7_224": (32, 16, 8, 4),
    "test_vit": (16,),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_timm_takes_any_size(name: str) -> None:
    encoder = TimmEncoder(name).eval()
    assert encoder.strides == NETWORKS[name]
    deepest = encoder.strides[0]
    with torch.no_grad():
        features = encoder(torch.rand(2, 3, 65, 97))
    height, width = -(-65 // deepest) * deepest, -(-97 // deepest) * deepest
    expected = [
        (2, c, height // s, width // s) for c, s in zip(encoder.channels, encoder.strides, strict=True)
    ]
    assert [tuple(f.shape) for f in features] == expected


def test_timm_weights_from_a_file_are_the_networks(tmp_path: Path) -> None:
    import timm

    torch.manual_seed(0)
    for name, key, own in (
        ("test_efficientnet", "conv_stem.weight", "conv_stem.weight"),
        ("test_convnext", "stem.0.weight", "stem_0.weight"),
    ):
        state = timm.create_model(name).state_dict()
        save_file(state, tmp_path / f"{name}.safetensors")
        encoder = TimmEncoder(name, weights=tmp_path / f"{name}.safetensors", strides=(16, 8))
        assert torch.equal(encoder.network.state_dict()[own], state[key])


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, file)
    with pytest.raises(DataError, match=r"without a fitting features\.0\.bias"):
        VGG16Encoder(file)
    with pytest.raises(DataError, match=r"expected timm's resnet18, got .* \(1.. of 122 tensors\)"):
        TimmEncoder("resnet18", weights=file)
    with pytest.raises(DataError, match="does not exist"):
        VGG16Encoder(tmp_path / "nothing.pth")


def test_a_file_is_never_run(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.system, (f"touch {tmp_path / 'ran'}",))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"a": Evil()}))
    with pytest.raises(DataError, match="unreadable file"):
        read_weights(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_errors_in_words() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'resnet18'"):
        TimmEncoder("resnet188")
    with pytest.raises(ArgumentError, match=r"strides: expected descending ones among \[32, 16, 8, 4, 2\]"):
        TimmEncoder("resnet18", strides=(8, 1))
    with pytest.raises(ShapeError, match=r"values in \[0, 1\], got torch.uint8"):
        VGG16Encoder()(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_mean_and_std_are_the_networks_own() -> None:
    encoder = TimmEncoder("tf_efficientnet_lite0", strides=(8, 4))
    assert encoder.normalise.mean.flatten().tolist() == [0.5] * 3
    assert not [key for key in encoder.state_dict() if "normalise" in key]
