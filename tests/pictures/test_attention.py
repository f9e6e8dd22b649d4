"""The picture of what attention does."""

import pytest
import torch

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.pictures import attention_sheet, color_map, to_pil

WIDTH, GAP = 120, 10
HEIGHT = 90


def sheet(monkeypatch, **more):
    """The rows, captions and the rest that the sheet is made of."""
    given = {}

    def take(rows, **rest):
        given.update(rows=rows, **rest)

    monkeypatch.setattr("crowdkit.pictures.attention.sheet", take)
    attention_sheet(**{**example(), **more}, width=WIDTH)
    return given


def example():
    """The left half is crowd: strong after the attention; one cell of the background is strong too."""
    background = torch.zeros(6, 8, dtype=torch.bool)
    background[:, 4:] = True
    before = torch.full((6, 8), 0.4)
    before[2:4, 6:] = 1.0
    after = torch.where(background, before, 2 * before)
    return {
        "image": torch.full((3, 48, 64), 0.5),
        "density": torch.full((1, 1, 6, 8), 25.5),
        "before": before,
        "after": after,
        "background": background,
        "region": (~background).float(),
        "level": 0.5 * (~background).float(),
    }


def pixel(picture, x, y):
    return to_pil(picture).getpixel((x, y))


def test_color_is_for_the_crowd_and_gray_for_the_background(monkeypatch):
    (_, region, _), (_, before, after) = sheet(monkeypatch)["rows"]
    for plane in (before, after):
        assert to_pil(plane).size == (WIDTH, HEIGHT)
        crowd, nobody = pixel(plane, 20, 45), pixel(plane, 90, 10)
        assert len(set(crowd)) == 3
        assert len(set(nobody)) == 1
        assert pixel(plane, WIDTH // 2, 80) == (255, 255, 255)
    # One scale for both: the brightest is 1, in the background.
    for plane, value in ((before, 0.4), (after, 0.8)):
        expected = color_map(torch.tensor([[value, 1.0]]), maximum=1.0)
        assert pixel(plane, 20, 45) == pixel(expected, 0, 0)
        assert pixel(plane, 20, 45) != pixel(region, 20, 45)
    assert pixel(before, 105, 45)[0] > pixel(before, 90, 10)[0]
    assert pixel(before, 105, 45) == pixel(after, 105, 45)
    # Attention keeps its color in the background, and its own scale.
    assert pixel(region, 20, 45) == pixel(color_map(torch.tensor([[1.0]])), 0, 0)
    assert len(set(pixel(region, 90, 10))) == 3


def test_the_photograph_has_the_line_alone(monkeypatch):
    photo = to_pil(sheet(monkeypatch)["rows"][0][0])
    assert {color for _, color in photo.getcolors()} == {(128, 128, 128), (255, 255, 255)}
    assert photo.getpixel((WIDTH // 2, 5)) == (255, 255, 255)
    gray = torch.full((3, 48, 64), 128, dtype=torch.uint8)
    assert to_pil(sheet(monkeypatch, image=gray)["rows"][0][0]).tobytes() == photo.tobytes()


def test_captions(monkeypatch):
    given = sheet(monkeypatch, shares=(0.62, 0.405), what="image", title="a title")
    assert given["captions"] == [
        [
            "White line: crowd, as the attention sees it",
            "Coarse attention (CAM): is there a crowd?",
            "Fine attention (FAM): how dense is it?",
        ],
        [
            "Estimated density: 1,224.0 people",
            "Image before the attention, 62% in background",
            "Image after the attention, 40% in background",
        ],
    ]
    assert given["title"] == "a title"
    assert given["bar"][0] == "0"
    assert "strongest value for the image" in given["bar"][1]
    assert sheet(monkeypatch)["captions"][1][1] == "Feature before the attention"
    alone = sheet(monkeypatch, region=None)
    assert [len(row) for row in alone["rows"]] == [2, 3]
    assert alone["captions"][0][1].startswith("Fine attention")


def test_size():
    page = attention_sheet(**example(), width=WIDTH)
    assert page.width == 3 * WIDTH + 4 * GAP
    assert page.height > 2 * HEIGHT
    assert attention_sheet(**example(), title="a title", width=WIDTH).height > page.height
    # Maps at several strides of a photograph that none of them divides.
    large = example() | {
        "image": torch.rand(3, 45, 63),
        "density": torch.rand(12, 16),
        "region": torch.rand(45, 63),
    }
    assert attention_sheet(**large, width=WIDTH).width == page.width


def test_one_region_has_no_line(monkeypatch):
    for background in (torch.zeros(6, 8, dtype=torch.bool), torch.ones(6, 8, dtype=torch.bool)):
        given = sheet(monkeypatch, background=background, before=torch.zeros(6, 8), after=torch.zeros(6, 8))
        photo = to_pil(given["rows"][0][0])
        expected = "no crowd" if background.all() else "crowd everywhere"
        assert given["captions"][0][0] == f"The attention sees {expected}"
        assert [color for _, color in photo.getcolors()] == [(128, 128, 128)]


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"image": torch.rand(1, 3, 4, 4)}, ShapeError, r"image: expected \(3, H, W\)"),
        ({"after": torch.rand(3, 4)}, ShapeError, "before, after, background: expected one shape"),
        ({"width": 20}, ArgumentError, "width: expected 48 to 2048"),
        ({"width": 5000}, ArgumentError, "width: expected 48 to 2048"),
        ({"region": torch.rand(2, 3, 4)}, ShapeError, "expected one map"),
    ],
)
def test_messages(more, error, message):
    with pytest.raises(error, match=message):
        attention_sheet(**{**example(), **more})
