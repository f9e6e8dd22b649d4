import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from crowdkit.data import read_image, read_size
from crowdkit.data.image import read_header
from crowdkit.errors import DataError

RGB = np.array([[[255, 0, 0], [0, 128, 0], [0, 0, 51]]], dtype=np.uint8)


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options: object) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_rgb_is_scaled_to_one(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.png", RGB))
    assert image.shape == (3, 1, 3)
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    torch.testing.assert_close(image[:, 0].T, torch.tensor(RGB[0]) / 255)


@pytest.mark.parametrize("mode", ["RGBA", "CMYK", "YCbCr"])
def test_other_color_spaces_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.png" if mode == "RGBA" else "a.tif")
    image = read_image(save(path, RGB, mode))
    torch.testing.assert_close(image[:, 0].T, torch.tensor(RGB[0]) / 255, atol=0.01, rtol=0)


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grayscale_becomes_three_equal_channels(tmp_path: Path, mode: str) -> None:
    path = save(tmp_path / "a.png", np.array([[0, 255]], dtype=np.uint8), mode)
    image = read_image(path)
    assert image.tolist() == [[[0.0, 1.0]]] * 3
    assert read_header(path).grayscale


def test_sixteen_bits_keep_their_range(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.array([[0, 13107, 65535]], dtype=np.uint16))
    torch.testing.assert_close(read_image(path), torch.tensor([0.0, 0.2, 1.0]).expand(3, 1, 3))
    assert read_header(path).grayscale


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(RGB).quantize(3).save(path, transparency=b"\x00\x80\xff")
    torch.testing.assert_close(read_image(path)[:, 0].T, torch.tensor(RGB[0]) / 255, atol=0.01, rtol=0)


def test_only_the_size_is_read(tmp_path: Path, jpeg: Callable[..., None]) -> None:
    path = tmp_path / "a.jpg"
    jpeg(path, (40, 60))
    path.write_bytes(path.read_bytes()[:1500])
    assert read_size(path) == (40, 60)


def test_orientation_is_applied_on_demand(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to view
    path = save(tmp_path / "a.png", RGB, exif=exif.tobytes())
    assert read_image(path).shape == (3, 1, 3)
    assert read_size(path) == (1, 3)
    upright = read_image(path, orient=True)
    assert upright.shape == (3, 3, 1)
    assert read_size(path, orient=True) == (3, 1)
    torch.testing.assert_close(upright[:, :, 0].T, torch.tensor(RGB[0]) / 255)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    for read in (read_image, read_size):
        with pytest.raises(DataError, match="no such file"):
            read(tmp_path / "a.jpg")


def test_a_truncated_file_is_told(tmp_path: Path, jpeg: Callable[..., None]) -> None:
    path = tmp_path / "a.jpg"
    jpeg(path, (64, 64))
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match=r"a\.jpg: expected a readable image, got a damaged one"):
        read_image(path)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0"])
def test_a_file_that_is_no_image_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.jpg"):
        read_image(path)


def test_floating_point_pixels_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="floating point"):
        read_image(save(tmp_path / "a.tif", np.zeros((2, 2), dtype=np.float32)))


def test_integers_of_unknown_range_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none above 255"):
        read_image(save(tmp_path / "a.tif", np.array([[0, 255]], dtype=np.int32)))
    image = read_image(save(tmp_path / "b.tif", np.array([[0, 65535]], dtype=np.int32)))
    assert image.tolist() == [[[0.0, 1.0]]] * 3
    assert read_image(save(tmp_path / "c.png", np.array([[0, 255]], dtype=np.uint16))).max() < 0.01


def test_a_phone_s_photograph_without_its_reader_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DataError, match=r"pip install 'crowdkit\[heic\]'"):
        read_image(tmp_path / "a.heic")


def test_a_program_is_not_started_for_a_file_called_as_a_photograph(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 10\n%%EndComments\nshowpage\n")
    for read in (read_image, read_size):
        with pytest.raises(DataError, match="unknown format"):
            read(path)
