from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crowdkit.data import read_pixels
from crowdkit.data.mapped import mapped_pixels
from crowdkit.errors import DataError

RGB = np.random.default_rng(0).integers(0, 256, (301, 217, 3), dtype=np.uint8)


def save(path: Path, **options: object) -> Path:
    Image.fromarray(RGB).save(path, **options)
    return path


def test_uncompressed_tiff_and_npy_stay_in_their_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RGB)
    strips = save(tmp_path / "b.tif", tiffinfo={278: 16})  # sixteen rows a strip
    for path in (save(tmp_path / "a.tif"), strips, tmp_path / "a.npy"):
        mapped = mapped_pixels(path)
        assert isinstance(mapped, np.memmap)
        np.testing.assert_array_equal(mapped, RGB)


def test_what_must_be_decoded_is_not_mapped(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    paths = [
        save(tmp_path / "a.jpg"),
        save(tmp_path / "a.png"),
        save(tmp_path / "packed.tif", compression="tiff_lzw"),
        save(tmp_path / "turned.tif", exif=exif),
    ]
    Image.fromarray(RGB[..., 0]).save(tmp_path / "gray.tif")
    for path in [*paths, tmp_path / "gray.tif"]:
        assert mapped_pixels(path) is None
    assert read_pixels(tmp_path / "turned.tif", orient=True).shape == (217, 301, 3)


def test_damaged_files_are_told(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif")
    path.write_bytes(path.read_bytes()[: RGB.size // 2])
    (tmp_path / "a.npy").write_bytes(b"no array")
    for file in (tmp_path / "a.npy", tmp_path / "none.npy", tmp_path / "none.tif"):
        with pytest.raises(DataError, match=file.name):
            mapped_pixels(file)
    try:
        assert mapped_pixels(path) is None
    except DataError:
        return  # Pillow wrote the table behind the pixels: it is lost with them
    with pytest.raises(DataError):
        read_pixels(path)
