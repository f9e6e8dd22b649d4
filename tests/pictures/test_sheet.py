"""Sheets, labels and files."""

import subprocess
import sys

import pytest
import torch
from PIL import Image

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.pictures import label, save_image, sheet, to_pil


def test_tensors_become_images():
    colors = torch.tensor([1.0, 0.5, -3.0])[:, None, None].expand(3, 2, 4)
    image = to_pil(colors)
    assert (image.size, image.mode) == ((4, 2), "RGB")
    assert image.getpixel((0, 0)) == (255, 128, 0)
    assert to_pil(torch.ones(2, 4)).getpixel((0, 0)) == (255, 255, 255)
    assert to_pil(torch.full((1, 2, 4), 7, dtype=torch.uint8)).getpixel((3, 1)) == (7, 7, 7)
    assert to_pil(Image.new("L", (3, 3), 9)).getpixel((0, 0)) == (9, 9, 9)


def test_saving_makes_folders_and_keeps_pixels(tmp_path):
    picture = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8)
    path = save_image(picture, tmp_path / "new" / "picture.png")
    with Image.open(path) as image:
        assert torch.equal(
            picture, torch.tensor(list(image.convert("RGB").tobytes())).view(5, 7, 3).permute(2, 0, 1)
        )
    assert save_image(to_pil(picture), str(tmp_path / "picture.JPG")).stat().st_size > 0
    with pytest.raises(ArgumentError, match=r"path: expected a picture suffix.*'picture.txt'"):
        save_image(picture, tmp_path / "picture.txt")


def test_a_sheet_holds_every_picture():
    red, blue = (
        torch.tensor([1.0, 0, 0]).view(3, 1, 1).expand(3, 30, 40),
        Image.new("RGB", (80, 60), (0, 0, 255)),
    )
    page = sheet(
        [[red, blue], [None, red]], captions=[["one", "two"], [None, "three"]], headings=["a", "b"], width=100
    )
    colors = {color: number for number, color in page.getcolors(1 << 16)}
    assert colors[(255, 0, 0)] == pytest.approx(2 * 98 * 73, rel=0.01)
    assert colors[(0, 0, 255)] == pytest.approx(98 * 73, rel=0.01)
    larger = sheet(
        [[red, blue], [None, red]],
        captions=[["one", "two"], [None, "three " * 30]],
        headings=["a", "b"],
        title="a title",
        bar=("0", "most"),
        width=100,
    )
    assert larger.width == page.width
    assert larger.height > page.height + 40


def test_a_small_map_keeps_its_cells():
    page = sheet([[torch.tensor([[0.0, 1.0], [1.0, 0.0]])]], width=100)
    grays = {color for _, color in page.getcolors()}
    assert grays == {(0, 0, 0), (255, 255, 255), (214, 217, 224)}


def test_a_label_changes_only_its_corner():
    picture = torch.full((3, 200, 300), 0.5)
    labeled = label(picture, "12 people")
    assert labeled.size == (300, 200)
    box = Image.eval(
        Image.merge("RGB", labeled.split()).convert("L"), lambda gray: 0 if gray == 128 else 255
    ).getbbox()
    assert box[0] < 20
    assert box[1] > 100
    assert label(torch.zeros(3, 12, 12), "too long to fit").size == (12, 12)


def test_messages():
    with pytest.raises(ShapeError, match="rows: expected at least one picture"):
        sheet([])
    with pytest.raises(ShapeError, match="headings: expected 1, one per column, got 2"):
        sheet([[torch.zeros(2, 2)]], headings=["a", "b"])
    with pytest.raises(ShapeError, match="captions: expected the layout of rows"):
        sheet([[torch.zeros(2, 2)]], captions=[["a", "b"]])
    with pytest.raises(ArgumentError, match="width: expected at least 48"):
        sheet([[torch.zeros(2, 2)]], width=10)
    with pytest.raises(ShapeError, match=r"image: expected .3, H, W."):
        to_pil(torch.zeros(1, 3, 4, 4))
    with pytest.raises(DTypeError, match="image: expected floating RGB"):
        to_pil(torch.zeros(3, 4, 4, dtype=torch.int32))
    with pytest.raises(DTypeError, match="image: expected a tensor or a Pillow image, got list"):
        to_pil([1, 2])


def test_colors_need_torch_alone():
    code = (
        "import sys; sys.modules['PIL'] = None; sys.modules['torchvision'] = None; import torch;"
        "from crowdkit.pictures import color_map, overlay; overlay(torch.rand(3, 8, 8), torch.rand(2, 2))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
