"""``Counter`` and its answers: one decoding, pictures, plain values, modes and threads."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from crowdkit.calibration import Calibration, CountInterval, Domain
from crowdkit.counting import Counter, Unreadable, explain, find_reach, locate, predict
from crowdkit.data import LazyImage, Zone, lazy_image
from crowdkit.errors import DataError
from crowdkit.models import CrowdModel, create_model
from crowdkit.pictures import draw_points, draw_zones, overlay, to_pil
from crowdkit.prediction import Prediction

CALIBRATION = Calibration(
    interval=CountInterval(coverage=0.9, power=1.0, lower=-0.2, upper=0.5, images=25),
    domain=Domain(bounds={"megapixels": (1.0, None)}, images=100, share=0.05),
    held_out=(),
)


@pytest.fixture
def photos(tmp_path):
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 64 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return tmp_path


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model("mcnn")


def test_a_folder_of_a_model_and_a_model_count_alike(model, photos, tmp_path):
    model.save(tmp_path / "model")
    one = Counter(model, device="cpu", calibration=CALIBRATION).count(photos / "0.png")
    two = Counter(tmp_path / "model", device="cpu", calibration=CALIBRATION).count(photos / "0.png")
    assert one == two
    assert torch.equal(one.density, two.density)
    assert hash(one) == hash(two)
    assert one.interval == CALIBRATION.interval(one.count)
    assert one.unusual == ("0.00 megapixels, seen at least 1.00",)
    assert (one.stride, one.size, one.path, one.source) == (
        4,
        (40, 64),
        photos / "0.png",
        str(photos / "0.png"),
    )
    assert "tensor" not in repr(one)
    assert "LazyImage" not in repr(one)


def test_the_bundled_model_is_the_default(photos):
    by_default, by_name = (Counter(name, device="cpu") for name in (None, "shanghaitech"))
    assert by_default.calibration == by_name.calibration is not None
    assert by_default.count(photos / "0.png") == by_name.count(photos / "0.png")


def test_a_count_as_plain_values(model, photos):
    counter = Counter(model, device="cpu", calibration=CALIBRATION)
    seen = counter.count(photos / "0.png")
    assert seen.to_dict() == {
        "path": str(photos / "0.png"),
        "count": round(seen.count, 2),
        "lower": round(seen.interval[0], 2),
        "upper": round(seen.interval[1], 2),
        "unusual": list(seen.unusual),
        "height": 40,
        "width": 64,
        "tiles": 1,
    }
    assert list(Counter(model, device="cpu").count(torch.rand(3, 8, 8)).to_dict()) == [
        *("path", "count", "height", "width", "tiles")
    ]


def test_the_picture_is_the_overlay_with_heads_and_zones(model, photos):
    seen = Counter(model, device="cpu").count(photos / "0.png")
    plain = overlay(seen.picture.shrunk(10**9), seen.density)
    assert seen.plot() == to_pil(plain)
    points = locate(seen.density + 0.05, stride=4)
    left = Zone("left", torch.tensor([[0.0, 0.0], [32.0, 0.0], [32.0, 40.0], [0.0, 40.0]]))
    half = float(seen.density[..., :8].sum())
    drawn = draw_zones(draw_points(plain, points), [(f"left {half:.1f}", left.polygon)])
    assert seen.plot(points=points, zones=[left]) == to_pil(drawn)
    assert pickle.loads(pickle.dumps(seen)).plot(points=points, zones=[left]) == to_pil(drawn)
    small = seen.plot(points=points, zones=[left], pixels=700)
    assert small.size == (32, 20)
    with Image.open(seen.save(photos / "new/seen.png", points=points, zones=[left])) as file:
        assert file.convert("RGB") == to_pil(drawn)


def test_each_photograph_is_decoded_once_also_for_its_picture(model, photos, monkeypatch):
    decoded = []
    read = lazy_image.read_pixels
    monkeypatch.setattr(
        lazy_image, "read_pixels", lambda path, **options: decoded.append(path.name) or read(path, **options)
    )
    kept = []
    for seen in Counter(model, device="cpu", readers=2).stream(photos):
        seen.plot()
        kept.append(seen)
    assert sorted(decoded) == ["0.png", "1.png", "2.png"]
    # Whoever keeps all counts does not keep all pixels; they come again when they are wanted.
    assert [seen.picture._pixels for seen in kept] == [None] * 3
    assert kept[1].plot().size == (65, 40)
    assert decoded[3:] == ["1.png"]
    Image.new("RGB", (9, 9)).save(photos / "0.png")
    with pytest.raises(DataError, match="expected 40 x 64 pixels as before, got 9 x 9"):
        kept[0].plot()
    array = np.zeros((8, 8, 3), dtype=np.uint8)
    [seen] = Counter(model, device="cpu").stream([array])
    assert seen.picture._pixels is array
    mine = LazyImage(array)
    mine.release()
    assert mine.part(mine.whole).shape == (3, 8, 8)


class Broken(CrowdModel):
    """Not a number in one cell of images that are dark."""

    name, stride = "broken", 4

    def forward(self, images):
        density = nn.functional.avg_pool2d(images[:, :1], 4)
        density[..., 0, 0] = density[..., 0, 0].log() / density[..., 0, 0].log()
        return Prediction(density)


def test_what_is_no_number_is_reported_and_the_rest_counted(photos):
    dark, light = torch.zeros(3, 16, 16), torch.full((3, 16, 16), 0.5)
    [first, second] = predict(Broken(), [dark, light], device="cpu")
    assert isinstance(first, Unreadable)
    assert "got 1 of 16 cells from broken that are none; count in float32" in first.reason
    assert second.count == pytest.approx(8.5)
    with pytest.raises(DataError, match="expected a density map of numbers"):
        Counter(Broken(), device="cpu").count(dark)


class Moody(CrowdModel):
    """Changes with its mode, in the whole and in a part, and remembers what it has seen in training."""

    name, stride = "moody", 4

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout2d(0.5)

    def forward(self, images):
        features = self.drop(self.norm(self.conv(images)))
        return Prediction(
            nn.functional.avg_pool2d(features.abs().mean(dim=1, keepdim=True), 4, ceil_mode=True)
        )


def _state(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.parametrize("mode", ["train", "eval", "part"])
def test_counting_neither_depends_on_the_mode_nor_changes_it(mode, photos):
    torch.manual_seed(0)
    model = Moody()
    model(torch.rand(4, 3, 32, 32))
    expected = [seen.count for seen in predict(copy.deepcopy(model).eval(), photos, device="cpu")]
    model.train(mode == "train")
    model.drop.train(mode != "eval")
    modes = {name: each.training for name, each in model.named_modules()}
    before = _state(model)
    counter = Counter(model, device="cpu", tile=32)
    model.train()  # whatever becomes of it later
    tiled = [seen.count for seen in counter.stream(photos)]
    for name, each in model.named_modules():
        each.training = modes[name]
    assert [seen.count for seen in predict(model, photos, device="cpu")] == expected
    assert tiled == pytest.approx(expected, rel=1e-5)
    assert {name: each.training for name, each in model.named_modules()} == modes
    for key, value in _state(model).items():
        assert torch.equal(value, before[key]), key
    assert not any(each._forward_hooks for each in model.modules())
    assert next(counter.model.parameters()) is next(model.parameters())


def test_threads_with_one_model_in_training_count_alike(photos):
    torch.manual_seed(0)
    model = Moody().train()
    before = _state(model)
    reach = find_reach(model)
    files = [photos / f"{number}.png" for number in range(3)]
    expected = [seen.count for seen in predict(copy.deepcopy(model).eval(), files, device="cpu", tile=16)]
    shared = Counter(model, device="cpu", tile=16, readers=0)
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        if number % 2:
            return [[shared.count(file).count for file in files] for _ in range(3)]
        return [
            [seen.count for seen in predict(model, files, device="cpu", tile=16, readers=0)] for _ in range(3)
        ]

    with ThreadPoolExecutor(8) as pool:
        reaches = [pool.submit(find_reach, model)]
        found = [pool.submit(work, number) for number in range(8)]
        reaches = [each.result() for each in reaches]
        counts = [row for each in found for row in each.result()]
    assert counts == [expected] * 24
    assert reaches == [reach]
    assert model.training
    for key, value in _state(model).items():
        assert torch.equal(value, before[key]), key
    assert not any(each._forward_hooks for each in model.modules())


def test_looking_inside_leaves_the_mode_too():
    model = create_model("cfanet_lite", encoder="test_efficientnet", levels=3).train()
    before = _state(model)
    explain(model, torch.rand(3, 64, 64), device="cpu")
    assert all(each.training for each in model.modules())
    for key, value in _state(model).items():
        assert torch.equal(value, before[key]), key
