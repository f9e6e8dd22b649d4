"""Pascal VOC boxes as heads, and SCUT-HEAD's layouts."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from crowdkit.data import SCUTHead
from crowdkit.data.annotations.voc import read_voc
from crowdkit.errors import DataError


def voc(path: Path, *boxes: tuple[object, object, object, object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = "".join(
        f"<object><name>head</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox>"
        "</object>"
        for a, b, c, d in boxes
    )
    path.write_text(f"<annotation><filename>x.jpg</filename>{objects}</annotation>")
    return path


def test_centers_and_sides(tmp_path: Path) -> None:
    points, sizes = read_voc(voc(tmp_path / "a.xml", (1, 2, 5, 11), (10.5, 20.0, 12.5, 22.0)))
    assert points.tolist() == [[3.0, 6.5], [11.5, 21.0]]
    assert sizes.tolist() == [6.0, 2.0]
    assert points.dtype == sizes.dtype == torch.float64


def test_no_object_is_nobody(tmp_path: Path) -> None:
    points, sizes = read_voc(voc(tmp_path / "a.xml"))
    assert points.shape == (0, 2)
    assert sizes.shape == (0,)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<annotation>", "damaged"),
        ("", "damaged"),
        ("<html></html>", "got <html>"),
        ("<annotation><object><name>head</name></object></annotation>", "four numbers"),
        ("<annotation><object><bndbox><xmin>1</xmin></bndbox></object></annotation>", "four numbers"),
    ],
)
def test_what_is_no_voc_file_says_so(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        read_voc(path)
    assert str(path) in str(caught.value)
    with pytest.raises(DataError, match="no such file"):
        read_voc(tmp_path / "b.xml")


@pytest.mark.parametrize("box", [(5, 2, 1, 11), (1, 2, 1, 4), ("nan", 1, 2, 3)])
def test_a_box_that_is_none_is_refused(tmp_path: Path, box: tuple[object, object, object, object]) -> None:
    with pytest.raises(DataError, match="xmin < xmax"):
        read_voc(voc(tmp_path / "a.xml", box))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Both parts as published, two images each, with their lists."""
    for part in "AB":
        home = tmp_path / f"SCUT_HEAD_Part_{part}"
        for number in range(2):
            name = f"Part{part}_0000{number}"
            voc(home / f"Annotations/{name}.xml", (1, 1, 9, 9))
            image = home / f"JPEGImages/{name}.jpg"
            image.parent.mkdir(exist_ok=True)
            Image.new("RGB", (32, 24)).save(image)
        lists = home / "ImageSets/Main"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text(f"Part{part}_00000\n")
        (lists / "test.txt").write_text(f"Part{part}_00001\n")
    return tmp_path


def test_published_lists_split_both_parts(release: Path) -> None:
    assert SCUTHead(release).names == ["PartA_00000", "PartB_00000"]
    assert SCUTHead(release, part="B", split="test").names == ["PartB_00001"]
    sample = SCUTHead(release)[0]
    assert sample.points.tolist() == [[4.5, 4.5]]
    assert sample.sigma is not None
    assert sample.sigma.tolist() == [2.0]
    with pytest.raises(DataError, match=r"val\.txt"):
        SCUTHead(release, split="val")
    (release / "SCUT_HEAD_Part_A/JPEGImages/PartA_00000.jpg").unlink()
    with pytest.raises(DataError, match="1 missing, first PartA_00000"):
        SCUTHead(release)
    with pytest.raises(DataError, match="expected JPEGImages"):
        SCUTHead(release / "nowhere")
