import threading
import time
import warnings
from contextlib import closing

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from crowdkit.counting import predict
from crowdkit.counting.prefetch import prefetch
from crowdkit.data import Box, LazyImage, decoded_bytes, open_image, read_image
from crowdkit.errors import DataError, DTypeError, ShapeError
from crowdkit.models import CrowdModel
from crowdkit.prediction import Prediction


def _readers():
    return [each for each in threading.enumerate() if each.name.startswith("crowdkit-reader")]


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_order_and_errors_stay(threads):
    def load(number):
        time.sleep(0.002 * (number % 3))
        if number == 5:
            raise DataError("five")
        return -number

    found = []
    for number, loaded in prefetch(range(20), load, threads=threads):
        if number == 5:
            with pytest.raises(DataError, match="five"):
                loaded.result()
        else:
            found.append(loaded.result())
    assert found == [-number for number in range(20) if number != 5]
    assert not _readers()


def test_what_lies_ready_is_bounded():
    loaded, most = [], []

    def load(number):
        loaded.append(number)
        return number

    for number, future in prefetch(range(30), load, threads=2):
        future.result()
        time.sleep(0.002)
        most.append(len(loaded) - number)
    assert 1 < max(most) <= 5
    loaded.clear(), most.clear()
    for number, future in prefetch(range(30), load, threads=2, weigh=lambda _: 6, limit=10):
        future.result()
        time.sleep(0.002)
        most.append(len(loaded) - number)
    assert max(most) <= 2


class Dark(CrowdModel):
    name, stride = "dark", 4

    def __init__(self, error=None):
        super().__init__()
        self.config, self.error = {}, error

    def forward(self, images):
        if self.error is not None:
            raise self.error
        return Prediction(1 - nn.functional.avg_pool2d(images[:, :1], 4, ceil_mode=True))


@pytest.fixture
def photos(tmp_path):
    for number in range(8):
        Image.new("RGB", (20 + number, 16), (30 * number, 0, 0)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_threads_give_the_counts_of_none(photos):
    (photos / "3.png").write_bytes(b"broken")
    found = []
    for readers in (0, 1, 4):
        found.append(list(predict(Dark(), photos, device="cpu", readers=readers)))
        assert not _readers()
    assert found[0] == found[1] == found[2]
    assert [type(each).__name__ for each in found[0]] == ["Count"] * 3 + ["Unreadable"] + ["Count"] * 4


def test_whoever_stops_leaves_no_thread_behind(photos):
    with closing(predict(Dark(), photos, device="cpu", readers=2)) as counts:
        next(counts)
        assert _readers()
    assert not _readers()
    with pytest.raises(KeyboardInterrupt):
        list(predict(Dark(KeyboardInterrupt()), photos, device="cpu", readers=2))
    assert not _readers()


def test_reading_in_threads_leaves_the_warnings_as_they_were(photos):
    for number in range(8):
        palette = Image.new("RGB", (9, 9), (number, 0, 0)).quantize(2)
        palette.save(photos / f"p{number}.png", transparency=b"\x00\x80")
    before = list(warnings.filters)
    found = list(predict(Dark(), [photos] * 5, device="cpu", readers=4))
    assert len(found) == 80
    assert warnings.filters == before


def test_any_part_of_a_picture_is_that_of_the_image(tmp_path):
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (31, 23, 3), dtype=np.uint8)
    gray = rng.integers(0, 2**16, (31, 23), dtype=np.uint16)
    Image.fromarray(color).save(tmp_path / "a.png")
    Image.fromarray(gray).save(tmp_path / "b.png")
    Image.fromarray(color).save(tmp_path / "c.tif")
    np.save(tmp_path / "d.npy", color)
    box = Box(3, 17, 5, 23)
    for name in ("a.png", "b.png", "c.tif"):
        whole = read_image(tmp_path / name)
        part = open_image(tmp_path / name).part(box)
        assert torch.equal(part, whole[:, 3:17, 5:23])
        assert part.is_contiguous()
    part = read_image(tmp_path / "a.png")[:, 3:17, 5:23]
    assert torch.equal(open_image(tmp_path / "d.npy").part(box), part)
    assert torch.equal(LazyImage(color).part(box), part)
    assert torch.equal(LazyImage(torch.from_numpy(color).permute(2, 0, 1) / 255).part(box), part)
    assert torch.equal(LazyImage(color[..., 0]).part(box), part[:1].expand(3, -1, -1))
    shrunk = LazyImage(color).shrunk(200)
    assert shrunk.shape == (3, 16, 12)
    torch.testing.assert_close(shrunk[:, 0, 0], read_image(tmp_path / "a.png")[:, :2, :2].mean(dim=(1, 2)))
    assert (decoded_bytes(tmp_path / "a.png"), decoded_bytes(tmp_path / "d.npy")) == (3 * 31 * 23, 0)


def test_arrays_are_counted_as_files_are(photos):
    array = np.array(Image.open(photos / "7.png"))
    np.save(photos / "x.npy", array)
    found = list(predict(Dark(), [array, photos / "7.png", photos / "x.npy"], device="cpu"))
    assert len({each.count for each in found}) == 1
    [alone] = predict(Dark(), array, device="cpu")
    assert (alone.count, alone.path) == (found[0].count, None)


def test_arrays_that_are_no_images_are_told(tmp_path):
    with pytest.raises(ShapeError, match=r"\(H, W, 3\)"):
        LazyImage(np.zeros((4, 5, 4), dtype=np.uint8))
    with pytest.raises(DTypeError, match="uint8 or uint16, got float64"):
        LazyImage(np.zeros((4, 5)))
    np.save(tmp_path / "a.npy", np.zeros((4, 5)))
    with pytest.raises(DataError, match=r"a\.npy: images: expected arrays of uint8"):
        open_image(tmp_path / "a.npy")
