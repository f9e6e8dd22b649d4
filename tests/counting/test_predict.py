import pytest
import torch
from PIL import Image
from torch import nn

from crowdkit.counting import Count, Counter, ImageTooLargeError, Unreadable, predict
from crowdkit.data import list_images
from crowdkit.errors import ConfigError, DataError, ShapeError
from crowdkit.models import CrowdModel
from crowdkit.prediction import Prediction


class Brightness(CrowdModel):
    """Counts the light: the sum of the red channel over 2 x 2 pixels."""

    name, stride = "brightness", 2

    def __init__(self):
        super().__init__()
        self.config = {}
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, images):
        return Prediction(nn.functional.avg_pool2d(images[:, :1], 2, ceil_mode=True) * self.weight)


@pytest.fixture
def photos(tmp_path):
    Image.new("RGB", (8, 6), (255, 0, 0)).save(tmp_path / "b.png")
    turned = Image.new("RGB", (8, 6), (0, 0, 0))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.jpg", exif=exif)
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_files_folders_and_tensors(photos):
    found = list(predict(Brightness(), [photos, torch.ones(3, 5, 7)], device="cpu"))
    assert [each.path and each.path.name for each in found] == ["a.jpg", "b.png", None]
    assert [each.size for each in found] == [(8, 6), (6, 8), (5, 7)]  # the first is turned upright
    assert found[1].count == pytest.approx(12)
    assert found[1].density.shape == (1, 1, 3, 4)
    assert not found[1].density.requires_grad
    assert len(list(predict(Brightness(), photos / "b.png", device="cpu"))) == 1


def test_what_cannot_be_counted_is_answered_in_its_place(photos):
    (photos / "ab.png").write_bytes(b"broken")
    images = [photos, photos / "none.png", torch.zeros(4, 4), torch.ones(3, 4, 4)]
    found = list(predict(Brightness(), images, device="cpu"))
    assert [type(each) for each in found] == [Count, Unreadable, Count, Unreadable, Unreadable, Count]
    assert found[1] == Unreadable(
        source=str(photos / "ab.png"), reason=found[1].reason, path=photos / "ab.png"
    )
    assert found[1].reason.startswith(f"{photos / 'ab.png'}: expected an image, got text")
    assert found[3].reason == f"{photos / 'none.png'}: expected an image, got no such file; check the path"
    assert (found[4].source, found[4].path) == ("tensor", None)
    assert "(3, H, W)" in found[4].reason


def test_mistakes_are_told(tmp_path):
    with pytest.raises(DataError, match="expected images"):
        list_images([tmp_path])
    counter = Counter(Brightness(), device="cpu")
    with pytest.raises(ShapeError, match=r"\(3, H, W\)"):
        counter.count(torch.zeros(4, 4))
    with pytest.raises(DataError, match="got no such file"):
        counter.count(tmp_path / "none.png")
    with pytest.raises(DataError, match="got a folder"):
        counter.count(tmp_path)
    for device in ("gpu", "mps", "meta"):
        with pytest.raises(ConfigError, match=f"device: .*{device}"):
            predict(Brightness(), [torch.zeros(3, 4, 4)], device=device)


def test_running_out_of_memory_is_told_in_words(monkeypatch):
    def full(*_args):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Brightness, "forward", full)
    with pytest.raises(ImageTooLargeError, match="got 4 x 6; use --device cpu"):
        Counter(Brightness(), device="cpu").count(torch.zeros(3, 4, 6))
    [answer] = predict(Brightness(), [torch.zeros(3, 4, 6)], device="cpu")
    assert "got 4 x 6; use --device cpu" in answer.reason
