"""Area shares against clipping, against fine sampling, and zones that partition a canvas."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.ops import check_polygon, polygon_share, region_share


def star(seed: int, corners: int, size: tuple[int, int]) -> torch.Tensor:
    """A polygon around the middle of the canvas whose sides cannot cross."""
    generator = torch.Generator().manual_seed(seed)
    angle = (torch.arange(corners) + 0.8 * torch.rand(corners, generator=generator)) * (
        2 * torch.pi / corners
    )
    reach = 0.1 + 0.9 * torch.rand(corners, generator=generator)
    across = torch.stack([angle.cos(), angle.sin()], dim=1) * reach[:, None]
    half = torch.tensor([size[1] / 2, size[0] / 2])
    return (half + across * half).double()


def clipped_area(polygon: list[tuple[float, float]], box: tuple[float, float, float, float]) -> float:
    """Sutherland and Hodgman's clipping to a box, then Gauss's formula."""
    for axis, bound, sign in ((0, box[0], 1), (0, box[2], -1), (1, box[1], 1), (1, box[3], -1)):
        kept = []
        for one, two in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            a, b = sign * (one[axis] - bound), sign * (two[axis] - bound)
            if a >= 0:
                kept.append(one)
            if a * b < 0:
                kept.append(tuple(p + (q - p) * a / (a - b) for p, q in zip(one, two, strict=True)))
        polygon = kept
        if not polygon:
            return 0.0
    return abs(
        sum(
            x * v - u * y for (x, y), (u, v) in zip(polygon, polygon[1:] + polygon[:1], strict=True)
        )
    ) / 2  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9999), st.integers(3, 9), st.integers(3, 30), st.integers(3, 30), st.integers(1, 9))
def test_each_cell_is_its_clipped_area(seed, corners, height, width, stride):
    polygon = star(seed, corners, (height, width))
    shares = polygon_share(polygon, (height, width), stride=stride)
    outline = [tuple(each) for each in polygon.tolist()]
    for i, j in [(i, j) for i in range(shares.shape[0]) for j in range(shares.shape[1])]:
        box = (
            j * stride, i * stride, min((j + 1) * stride, width), min((i + 1) * stride, height)
        )  # fmt: skip
        area = clipped_area(outline, box)
        expected = area / ((box[2] - box[0]) * (box[3] - box[1]))
        assert shares[i, j].item() == pytest.approx(expected, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 6), st.integers(5, 40), st.integers(5, 40), st.integers(1, 8))
def test_zones_that_partition_the_canvas_partition_the_people(seed, more, height, width, stride):
    # Triangles from a place inside to the stretches of the border between its corners and other places.
    generator = torch.Generator().manual_seed(seed)
    way = torch.cat([torch.arange(4.0), 4 * torch.rand(more, generator=generator)]).double().sort().values
    frame = torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], dtype=torch.float64)
    along = (way % 1)[:, None]
    border = frame[way.long()] * (1 - along) + frame[way.long() + 1] * along
    middle = 0.1 + 0.8 * torch.rand(1, 2, generator=generator, dtype=torch.float64)
    canvas = torch.tensor([width, height], dtype=torch.float64)
    zones = [
        torch.cat([middle, border[[k]], border[[(k + 1) % len(border)]]]) * canvas for k in range(len(border))
    ]
    density = torch.rand(-(-height // stride), -(-width // stride), dtype=torch.float64)
    shares = [polygon_share(each, (height, width), stride=stride) for each in zones]
    torch.testing.assert_close(sum(shares), torch.ones_like(density), rtol=0, atol=1e-12)
    counts = [float((density * each).sum()) for each in shares]
    assert sum(counts) == pytest.approx(float(density.sum()), rel=1e-12)


def test_a_mask_of_whole_pixels_is_the_same():
    region = torch.zeros(13, 17, dtype=torch.bool)
    region[2:9, 3:15] = True
    corners = torch.tensor([[3.0, 2.0], [15.0, 2.0], [15.0, 9.0], [3.0, 9.0]])
    for stride in (1, 2, 4, 5):
        expected = region_share(region, stride=stride).double()
        for polygon in (corners, corners.flip(0), corners.roll(1, 0)):
            found = polygon_share(polygon, (13, 17), stride=stride)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


def test_nearly_upright_sides_lose_no_precision():
    polygon = torch.tensor([[3.5, 0.0], [3.5 + 1e-13, 10.0], [0.0, 10.0], [0.0, 0.0]], dtype=torch.float64)
    shares = polygon_share(polygon, (10, 8))
    assert shares[:, :3].eq(1).all()
    assert shares[:, 4:].eq(0).all()
    torch.testing.assert_close(shares[:, 3], torch.full((10,), 0.5, dtype=torch.float64))


@pytest.mark.parametrize(
    ("corners", "kind", "message"),
    [
        ([[0, 0], [4, 0]], ShapeError, "expected three corners or more, got 2"),
        (
            [[0, 0], [4, 4], [4, 0], [0, 4]],
            ArgumentError,
            "one from corner 1 to 2 that meets the one from 3 to 4",
        ),
        ([[0, 0], [4, 0], [2, 0]], ArgumentError, "expected sides that do not meet"),
        ([[0, 0], [4, 0], [4, 4], [2, 0], [0, 4]], ArgumentError, "expected sides that do not meet"),
        ([[0, 0], [4, 0], [4, 0], [0, 4]], ArgumentError, "got corner 2 twice"),
        ([[0, 0], [4, 0], [0, 4], [0, 0]], ArgumentError, "the polygon is closed automatically"),
        ([[0, 0], [float("nan"), 0], [0, 4]], ArgumentError, "got NaN or infinity"),
    ],
)
def test_what_is_no_polygon_is_told_in_words(corners, kind, message):
    with pytest.raises(kind, match=message):
        check_polygon("zone", torch.tensor(corners, dtype=torch.float64))


def test_bad_input_is_told_in_words():
    corners = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.5]])
    with pytest.raises(ArgumentError, match=r"x in \[0, 8\] and y in \[0, 4\], got some outside"):
        polygon_share(corners, (4, 8))
    with pytest.raises(ArgumentError, match="size: expected"):
        polygon_share(corners, (0, 8))
    with pytest.raises(DTypeError, match="floating-point coordinates"):
        polygon_share(corners.long(), (8, 8))
    whole = torch.tensor([[0.0, 0.0], [8.0, 0.0], [8.0, 5.0], [0.0, 5.0]])
    assert polygon_share(whole, (5, 8), stride=4).eq(1).all()
