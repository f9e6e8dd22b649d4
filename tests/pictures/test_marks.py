import pytest
import torch

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.pictures import draw_points, draw_zones, to_pil


def pixels(picture):
    return torch.tensor(list(picture.tobytes())).view(picture.height, picture.width, 3)


def redness(picture):
    return picture[0].float() - picture[1].float()


def test_dots_lie_where_the_heads_are():
    heads = torch.tensor([[12.3, 30.8], [90.0, 15.5], [60.25, 60.0]])
    for scale in (1.0, 0.5):
        red = redness(draw_points(torch.zeros(3, int(80 * scale), int(120 * scale)), heads, scale=scale))
        y, x = (torch.arange(side) + 0.5 for side in red.shape)
        for head in heads * scale:
            near = red.clone()
            near[(y - head[1]).abs() > 6] = 0
            near[:, (x - head[0]).abs() > 6] = 0
            center = torch.stack([(near * x).sum(), (near * y[:, None]).sum()]) / near.sum()
            assert torch.dist(center, head) < 0.1


def test_close_dots_are_smaller_and_stay_apart():
    heads = torch.tensor([[300.5, 200.5], [305.5, 200.5], [100.5, 100.5]])
    red = redness(draw_points(torch.zeros(3, 800, 900), heads)) > 100
    assert red[200, 300]
    assert red[200, 305]
    assert not red[200, 303]
    assert red[:, :200].sum() > red[:, 295:303].sum()


def test_dots_outside_and_none():
    photo = torch.rand(3, 20, 30)
    blank = draw_points(photo, torch.zeros(0, 2))
    assert torch.equal(blank, photo.mul(255).round().to(torch.uint8))
    assert torch.equal(draw_points(photo, torch.tensor([[-50.0, 5.0], [5.0, 80.0]])), blank)
    assert draw_points(to_pil(photo), torch.tensor([[29.9, 19.9]])).shape == (3, 20, 30)


def test_zones_are_outlined_with_their_text_inside():
    dark = torch.full((3, 120, 200), 0.2)
    square = torch.tensor([[20.0, 20.0], [180.0, 20.0], [180.0, 100.0], [20.0, 100.0]])
    plain, named = (pixels(draw_zones(dark, [(text, square)])).float() for text in ("", "17 people"))
    assert plain[60, 20].min() > 200
    assert plain[20, 100].min() > 200
    assert torch.equal(plain[5, 5], torch.full((3,), 51.0))
    changed = (plain != named).any(dim=2).nonzero()
    assert (changed.float().mean(0) - torch.tensor([60.0, 100.0])).abs().max() < 5
    half = pixels(draw_zones(dark[:, :60, :100], [("", square)], scale=0.5)).float()
    assert half[30, 10].min() > 150


def test_the_text_of_a_bent_zone_lies_in_it():
    # The middle of its box is outside.
    bent = torch.tensor([[0, 0], [200, 0], [200, 30], [30, 30], [30, 150], [0, 150.0]])
    plain, named = (pixels(draw_zones(torch.zeros(3, 160, 210), [(text, bent)])) for text in ("", "8"))
    row, column = (plain != named).any(dim=2).nonzero().float().mean(0).tolist()
    assert row < 30 or column < 30


def test_bad_input_is_told_in_words():
    with pytest.raises(ShapeError, match=r"points: expected \(N, 2\)"):
        draw_points(torch.rand(3, 8, 8), torch.rand(2, 3))
    with pytest.raises(ArgumentError, match="scale: expected"):
        draw_points(torch.rand(3, 8, 8), torch.rand(2, 2), scale=0)
    with pytest.raises(ShapeError, match="zones: expected three corners"):
        draw_zones(torch.rand(3, 8, 8), [("a", torch.rand(2, 2))])
    with pytest.raises(ArgumentError, match="scale: expected"):
        draw_zones(torch.rand(3, 8, 8), [], scale=-1)
