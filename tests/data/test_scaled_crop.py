import math

import pytest
import torch

from crowdkit.data import RandomScaledCrop, Sample
from crowdkit.errors import ArgumentError


def sample(height, width):
    """A picture whose red tells the column and whose green the row, with a head at every tenth pixel."""
    x, y = torch.arange(width) / width, torch.arange(height) / height
    image = torch.stack([x.expand(height, -1), y[:, None].expand(-1, width), torch.zeros(height, width)])
    rows, columns = torch.meshgrid(torch.arange(5, height, 10), torch.arange(5, width, 10), indexing="ij")
    points = torch.stack([columns.flatten(), rows.flatten()], 1).float()
    return Sample(image, points, {}, torch.full((len(points),), 4.0))


def test_heads_and_sigmas_follow_the_zoom():
    whole = sample(200, 240)
    for seed in range(20):
        crop = RandomScaledCrop((80, 96), scale=(0.5, 2.0))(whole, torch.Generator().manual_seed(seed))
        assert crop.image.shape == (3, 80, 96)
        records = crop.meta["transforms"]
        window = records[0]
        zoom_x, zoom_y = 96 / window["width"], 80 / window["height"]
        assert zoom_x == pytest.approx(zoom_y, rel=0.02)
        assert torch.allclose(crop.sigma, torch.full_like(crop.sigma, 4 * math.sqrt(zoom_x * zoom_y)))
        # The picture under every head still tells where the head was.
        inside = ((crop.points > 3) & (crop.points < torch.tensor([93.0, 77.0]))).all(1)
        assert inside.sum() > 4
        x, y = crop.points[inside].long().unbind(1)
        was = crop.points[inside] / torch.tensor([zoom_x, zoom_y]) + torch.tensor(
            [window["left"], window["top"]]
        )
        assert torch.allclose(crop.image[0, y, x] * 240, was[:, 0], atol=1.6)
        assert torch.allclose(crop.image[1, y, x] * 200, was[:, 1], atol=1.6)


def test_magnifications_are_even_by_their_logarithm():
    zoom = RandomScaledCrop((100, 100), scale=(0.5, 2.0))
    generator = torch.Generator().manual_seed(0)
    logs = [math.log2(100 / zoom.window((900, 900), generator)[0]) for _ in range(500)]
    assert min(logs) >= -1.01
    assert max(logs) <= 1.01
    assert sum(logs) / 500 == pytest.approx(0, abs=0.1)
    assert sum(each < -0.5 for each in logs) == pytest.approx(125, abs=30)


def test_a_small_image_is_magnified_until_it_fits_and_then_padded():
    zoom = RandomScaledCrop((100, 100), scale=(0.5, 2.0))
    for seed in range(10):
        height, _ = zoom.window((80, 300), torch.Generator().manual_seed(seed))
        assert height <= 80
        assert zoom.window((30, 300), torch.Generator().manual_seed(seed)) == (50, 50)
    padded = zoom(sample(30, 300), torch.Generator().manual_seed(0))
    assert float(padded.image[:, 62:].abs().max()) == 0
    assert float(padded.points[:, 1].max()) < 60


def test_one_size_and_one_scale_is_a_crop():
    crop = RandomScaledCrop((50, 60), scale=(1.0, 1.0))(sample(90, 90), torch.Generator().manual_seed(0))
    assert [each["name"] for each in crop.meta["transforms"]] == ["crop"]


@pytest.mark.parametrize("scale", [(0.0, 1.0), (2.0, 1.0), (1.0,)])
def test_bounds_that_are_none_are_told(scale):
    with pytest.raises(ArgumentError, match="scale: expected 0 < smallest <= largest"):
        RandomScaledCrop((10, 10), scale=scale)
