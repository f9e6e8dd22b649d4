"""Encoders: any size, one layout, weights from a file that fit or are refused in words."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from crowdkit.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from crowdkit.layers import (
    EfficientNetLiteEncoder,
    ResNet101Encoder,
    TimmEncoder,
    VGG16Encoder,
    VGG19Encoder,
    read_weights,
)
from crowdkit.ops import pad_to_multiple


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_vgg_is_the_front_end_of_csrnet() -> None:
    encoder = VGG16Encoder()
    assert parameters(encoder) == 7_635_264
    assert [k for k in encoder.state_dict() if "weight" in k] == [
        f"features.{i}.weight" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21)
    ]


def normalized(image: torch.Tensor) -> torch.Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (image - mean.view(3, 1, 1)) / std.view(3, 1, 1)


@pytest.mark.parametrize(
    ("encoder", "name", "strides", "ends", "count"),
    [
        (VGG16Encoder, "vgg16", (8, 4, 2, 1), (23, 16, 9, 4), 7_635_264),
        (VGG16Encoder, "vgg16", (16, 8, 4, 2, 1), (30, 23, 16, 9, 4), 14_714_688),
        (VGG16Encoder, "vgg16", (4, 1), (16, 4), 1_735_488),
        (VGG19Encoder, "vgg19", (16, 8, 4, 2, 1), (36, 27, 18, 9, 4), 20_024_384),
    ],
)
def test_vgg_equals_torchvisions(
    tmp_path: Path, encoder: type, name: str, strides: tuple[int, ...], ends: tuple[int, ...], count: int
) -> None:
    import torchvision

    torch.manual_seed(0)
    with torch.device("meta"):  # spares the classifier
        features = getattr(torchvision.models, name)(weights=None).features.eval()
    features.to_empty(device="cpu")
    for parameter in features.parameters():
        nn.init.normal_(parameter, std=0.03)
    file = tmp_path / "vgg.pth"
    torch.save(features.state_dict(prefix="features."), file)
    ours = encoder(file, strides=strides).eval()
    assert parameters(ours) == count
    image = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        found = ours(image)
        assert [f.shape[1] for f in found] == list(ours.channels)
        for feature, end in zip(found, ends, strict=True):
            torch.testing.assert_close(feature, features[:end](normalized(image)))


def test_resnet_equals_torchvisions_with_the_third_stage_not_strided(tmp_path: Path) -> None:
    from torchvision.models import resnet101

    torch.manual_seed(0)
    theirs = resnet101(weights=None).eval()
    for key, buffer in theirs.named_buffers():
        if key.endswith("running_mean"):
            torch.nn.init.normal_(buffer, std=0.1)
    state = {k: v for k, v in theirs.state_dict().items() if not k.endswith("num_batches_tracked")}
    file = tmp_path / "resnet101.pth"
    torch.save(state, file)  # as the file of 2017, which counts no batches
    ours = ResNet101Encoder(file).eval()
    assert parameters(ours) == 27_535_424
    image = torch.rand(1, 3, 41, 32)
    first = theirs.layer3[0]
    first.conv2.stride = first.downsample[0].stride = (1, 1)
    with torch.no_grad():
        (feature,) = ours(image)
        x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(normalized(image)))))
        expected = theirs.layer3(theirs.layer2(theirs.layer1(x)))
    assert feature.shape == (1, 1024, 6, 4)
    torch.testing.assert_close(feature, expected)


@pytest.mark.parametrize("size", [(8, 8), (9, 15), (65, 97), (1, 1)])
def test_resnet_takes_any_size_and_trains_on_it(size: tuple[int, int]) -> None:
    encoder = ResNet101Encoder(blocks=(1, 1, 1))
    (feature,) = encoder(torch.rand(1, 3, *size))
    single = max(size) <= 8
    assert feature.shape == (1, 1024, *((2, 2) if single else (-(-size[0] // 8), -(-size[1] // 8))))


@pytest.mark.parametrize(
    ("encoder", "name", "key"),
    [
        (VGG16Encoder, "vgg16", "features.21.weight"),
        (VGG19Encoder, "vgg19", "features.34.weight"),
        (ResNet101Encoder, "resnet101", "layer3.22.conv3.weight"),
    ],
)
def test_imagenet_by_name_is_torchvisions_file(
    monkeypatch: pytest.MonkeyPatch, encoder: type, name: str, key: str
) -> None:
    import torchvision
    from torchvision.models import _api

    asked: list[str] = []
    with torch.device("meta"):
        state = getattr(torchvision.models, name)(weights=None).state_dict()
    state = {k: torch.full(v.shape, 0.5) for k, v in state.items() if not k.startswith(("fc", "classifier"))}
    monkeypatch.setattr(_api, "load_state_dict_from_url", lambda url, **_: asked.append(url) or state)
    made = encoder("imagenet")
    assert len(asked) == 1
    assert f"/{name}-" in asked[0]
    assert torch.equal(made.get_parameter(key), state[key])


@pytest.mark.parametrize("size", [(8, 8), (9, 15), (97, 131), (1, 1)])
def test_vgg_takes_any_size(size: tuple[int, int]) -> None:
    features = VGG16Encoder()(torch.rand(1, 3, *size))
    height, width = -(-size[0] // 8), -(-size[1] // 8)
    assert [f.shape[-2:] for f in features] == [(height * k, width * k) for k in (1, 2, 4, 8)]


@pytest.mark.parametrize("size", [(33, 50), (31, 16), (16, 7)])
def test_vgg_without_padding_drops_what_is_over(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    encoder, image = VGG16Encoder(strides=(16, 4), pad=False), torch.rand(1, 3, *size)
    expected = nn.functional.pad(normalized(image), (0, max(0, 16 - size[1]), 0, max(0, 16 - size[0])))
    expected = encoder.features(expected)
    deepest, fine = encoder(image)
    assert deepest.shape[-2:] == (max(1, size[0] // 16), max(1, size[1] // 16))
    assert fine.shape[-2:] == (max(4, size[0] // 4), max(4, size[1] // 4))
    torch.testing.assert_close(deepest, expected)


def test_vgg_from_a_random_start_sees_the_image() -> None:
    torch.manual_seed(0)
    (feature,) = VGG19Encoder(strides=(16,))(torch.rand(1, 3, 96, 96))
    assert 0.3 < float(feature.detach().std(dim=(2, 3)).mean()) < 10


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


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (31, 130)])
def test_padding_as_tensorflow_does_is_timms_with_constants(size: tuple[int, int]) -> None:
    import timm
    from timm.layers import Conv2dSame

    torch.manual_seed(0)
    encoder = TimmEncoder("tf_efficientnet_lite0").eval()
    theirs = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    theirs.load_state_dict(encoder.network.state_dict())  # the names are timm's
    assert not any(isinstance(module, Conv2dSame) for module in encoder.modules())
    assert any(isinstance(module, Conv2dSame) for module in theirs.modules())
    images = torch.rand(2, 3, *size)
    expected = theirs(pad_to_multiple(encoder.normalize(images), 32))
    for found, feature in zip(encoder(images), expected[::-1], strict=True):
        assert torch.equal(found, feature)


@pytest.mark.parametrize("strides", [None, (32, 16, 8, 4), (16, 8), (2,)])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("size", ["lite0", "lite2"])
def test_lite_equals_timms(
    tmp_path: Path, strides: tuple[int, ...] | None, training: bool, size: str
) -> None:
    import timm

    torch.manual_seed(0)
    whole = timm.create_model(f"tf_efficientnet_{size}")
    for key, buffer in whole.named_buffers():
        if buffer.is_floating_point():
            nn.init.normal_(buffer, 1.0 if key.endswith("var") else 0.0, 0.1)
    file = tmp_path / "lite.safetensors"
    save_file(whole.state_dict(), file)
    ours = EfficientNetLiteEncoder(file, size=size, strides=strides).train(training)
    theirs = TimmEncoder(f"tf_efficientnet_{size}", weights=file, strides=strides).train(training)
    assert (ours.strides, ours.channels) == (theirs.strides, theirs.channels)
    expected_state = theirs.state_dict()
    assert all(torch.equal(value, expected_state[key]) for key, value in ours.state_dict().items())
    images = torch.rand(2, 3, 75, 101)
    found, expected = ours(images), theirs(images)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    sum(each.square().mean() for each in found).backward()
    sum(each.square().mean() for each in expected).backward()
    there = dict(theirs.named_parameters())
    for key, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, there[key].grad)


def test_lite0_of_all_strides_has_timms_keys_and_spread() -> None:
    torch.manual_seed(0)
    ours, theirs = EfficientNetLiteEncoder().state_dict(), TimmEncoder("tf_efficientnet_lite0").state_dict()
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        if value.ndim == 4 and value.numel() > 2000:
            assert float(value.std() / theirs[key].std()) == pytest.approx(1, abs=0.1), key


def test_lite0_from_imagenet_is_timms_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    asked: list[str] = []
    state = {
        k: torch.full_like(v, 0.5) for k, v in timm.create_model("tf_efficientnet_lite0").state_dict().items()
    }

    def give(repository: str, *_: object, **__: object) -> dict[str, torch.Tensor]:
        asked.append(repository)
        return state

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", give)
    encoder = EfficientNetLiteEncoder("imagenet", strides=(8, 4))
    assert asked == ["timm/tf_efficientnet_lite0.in1k"]
    assert torch.equal(encoder.network.blocks[1][0].conv_pw.weight, state["blocks.1.0.conv_pw.weight"])


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
    with pytest.raises(
        DataError, match=r"VGG-19 with torchvision's keys, got .* without a fitting features\.0"
    ):
        VGG19Encoder(file)
    with pytest.raises(
        DataError, match=r"expected ResNet-101 .* conv1\.weight, .*, \.\.\. \(\d+ of 564 tensors"
    ):
        ResNet101Encoder(file)
    with pytest.raises(
        DataError, match=r"timm's tf_efficientnet_lite0, got .* conv_stem\.weight, .*, \.\.\. \("
    ):
        EfficientNetLiteEncoder(file)
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
    for strides in ((), (64,), (4, 8), (8, 8)):
        with pytest.raises(ArgumentError, match=r"descending ones among \(32, 16, 8, 4, 2\)"):
            EfficientNetLiteEncoder(strides=strides)
    for strides in ((), (32,), (1, 2), (8, 8)):
        with pytest.raises(
            ArgumentError, match=r"strides: expected descending ones among \[16, 8, 4, 2, 1\]"
        ):
            VGG16Encoder(strides=strides)
    with pytest.raises(ShapeError, match=r"values in \[0, 1\], got torch.uint8"):
        VGG16Encoder()(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_mean_and_std_are_the_networks_own() -> None:
    encoder = TimmEncoder("tf_efficientnet_lite0", strides=(8, 4))
    assert encoder.normalize.mean.flatten().tolist() == [0.5] * 3
    assert not [key for key in encoder.state_dict() if "normalize" in key]
