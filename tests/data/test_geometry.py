import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor

from crowdkit.data import to_canvas
from crowdkit.data.geometry import flip_points, inside, resize_points, shift_points
from crowdkit.errors import DataError, DTypeError, ShapeError

sides = st.integers(1, 5000)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Tensor, tuple[int, int]]:
    """Heads on a canvas, many of them on pixel edges and at the last place inside it."""
    H, W = draw(sides), draw(sides)

    def coordinate(length: int) -> st.SearchStrategy[float]:
        last = float(torch.nextafter(torch.tensor(float(length)), torch.tensor(0.0)))
        anywhere = st.floats(0, last, width=32)
        return st.one_of(anywhere, st.integers(0, length - 1).map(float), st.just(last))

    heads = draw(st.lists(st.tuples(coordinate(W), coordinate(H)), max_size=20))
    return torch.tensor(heads, dtype=torch.float32).reshape(-1, 2), (H, W)


@given(crowds())
def test_a_flipped_head_lies_in_the_flipped_pixel(crowd: tuple[Tensor, tuple[int, int]]) -> None:
    points, (H, W) = crowd
    for axis, length in ((0, W), (1, H)):
        flipped = flip_points(points, length, axis=axis)
        assert inside(flipped, (H, W)).all()
        assert torch.equal(flipped[:, axis].floor(), length - 1 - points[:, axis].floor())
        assert torch.equal(flipped[:, 1 - axis], points[:, 1 - axis])
        twice = flip_points(flipped, length, axis=axis)
        torch.testing.assert_close(twice, points, atol=1e-3, rtol=0)


@given(crowds(), sides, sides)
def test_resize_keeps_every_head(crowd: tuple[Tensor, tuple[int, int]], height: int, width: int) -> None:
    points, size = crowd
    resized = resize_points(points, size, (height, width))
    assert resized.dtype == points.dtype
    assert inside(resized, (height, width)).all()


@given(crowds(), st.integers(0, 300), st.integers(0, 300))
def test_a_shifted_head_stays_in_its_pixel(
    crowd: tuple[Tensor, tuple[int, int]], left: int, top: int
) -> None:
    points, (H, W) = crowd
    moved = shift_points(points, left=left, top=top)
    assert torch.equal(moved.floor(), points.floor() + torch.tensor([left, top]))
    assert inside(moved, (H + top, W + left)).all()


@given(crowds())
def test_points_on_the_canvas_are_left_alone(crowd: tuple[Tensor, tuple[int, int]]) -> None:
    points, size = crowd
    for dtype in (torch.float32, torch.float64):
        annotation = to_canvas(points.to(dtype), size)
        assert torch.equal(annotation.points, points)
        assert annotation[1:] == (0, 0, None)


def test_less_than_a_pixel_outside_is_clamped_and_more_is_dropped() -> None:
    points = torch.tensor(
        [[-0.99, 1], [-1, 1], [6, 1], [6.99, 1], [7, 1], [1, 4.5], [1, -0.5], [-0.5, -0.5], [5.99, 3.99]]
    )
    annotation = to_canvas(points, (4, 6))
    assert (annotation.clamped, annotation.dropped) == (6, 2)
    assert len(annotation.points) == 7
    assert inside(annotation.points, (4, 6)).all()
    assert annotation.points[0].tolist() == [0, 1]


def test_float64_rounding_does_not_reach_the_border() -> None:
    annotation = to_canvas(torch.tensor([[1024 - 1e-9, 0.0]], dtype=torch.float64), (768, 1024))
    assert annotation.clamped == 0
    assert annotation.points[0, 0] < 1024


@pytest.mark.parametrize(
    ("points", "error", "words"),
    [
        (torch.tensor([[1.0, float("nan")]]), DataError, "1 of 1 with NaN"),
        (torch.zeros(3), ShapeError, "expected \\(N, 2\\)"),
        (torch.zeros(3, 2, dtype=torch.int64), DTypeError, "floating-point"),
    ],
)
def test_bad_points_are_told(points: Tensor, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        to_canvas(points, (4, 4))
