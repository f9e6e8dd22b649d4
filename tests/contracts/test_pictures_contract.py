"""What every function of the pictures room promises: same answer twice, inputs untouched, one row each."""

import pytest
import torch
from PIL import Image

from crowdkit import pictures

PHOTO, MAP = torch.rand(3, 24, 32), torch.rand(1, 1, 6, 8)
POINTS = torch.tensor([[1.0, 1.0], [6.0, 1.0], [3.0, 4.5]])
CASES = {
    "annotate_frame": lambda _: pictures.annotate_frame(
        PHOTO,
        MAP,
        maximum=1.0,
        count=7,
        interval=(5, 9),
        time=3.0,
        scale=("few", "many"),
        zones=[("7", 5 * POINTS)],
    ),
    "attention_sheet": lambda _: pictures.attention_sheet(
        PHOTO, MAP, before=MAP, after=2 * MAP, background=MAP < 0.5, region=MAP, level=MAP, width=60
    ),
    "color_map": lambda _: pictures.color_map(MAP),
    "draw_points": lambda _: pictures.draw_points(PHOTO, POINTS),
    "draw_zones": lambda _: pictures.draw_zones(PHOTO, [("7", 5 * POINTS)]),
    "label": lambda _: pictures.label(PHOTO, "7 people"),
    "overlay": lambda _: pictures.overlay(PHOTO, MAP),
    "plot_counts": lambda _: pictures.plot_counts([0, 1, 2], [3, 5, 4], smoothed=[3, 4, 4], limit=6),
    "save_image": lambda folder: torch.tensor(
        list(pictures.save_image(PHOTO, folder / "picture.png").read_bytes())
    ),
    "sheet": lambda _: pictures.sheet([[PHOTO, MAP[0]]], captions=[["a", "b"]]),
    "to_pil": lambda _: pictures.to_pil(PHOTO),
}


def test_every_public_name_has_a_row():
    assert set(CASES) == set(pictures.__all__)


@pytest.mark.parametrize("name", CASES)
def test_same_answer_twice_and_inputs_untouched(name, tmp_path):
    copies = PHOTO.clone(), MAP.clone()
    first, second = CASES[name](tmp_path), CASES[name](tmp_path)
    if isinstance(first, Image.Image):
        assert (first.size, first.tobytes()) == (second.size, second.tobytes())
    else:
        assert torch.equal(first, second)
    assert torch.equal(PHOTO, copies[0])
    assert torch.equal(MAP, copies[1])
