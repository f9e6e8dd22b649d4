import pickle

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from crowdkit.data import Points

quick = settings(deadline=None, max_examples=60)


@st.composite
def crowds(draw: st.DrawFn) -> Points:
    H, W = draw(st.integers(1, 2000)), draw(st.integers(1, 2000))
    heads = draw(
        st.lists(
            st.tuples(
                st.floats(0, W, width=32, exclude_max=True) | st.integers(0, W - 1).map(float),
                st.floats(0, H, width=32, exclude_max=True) | st.integers(0, H - 1).map(float),
            ),
            max_size=10,
        )
    )
    return Points(torch.tensor(heads, dtype=torch.float32).reshape(-1, 2), canvas_size=(H, W))


def on_canvas(points: Points) -> bool:
    H, W = points.canvas_size
    plain = points.as_subclass(torch.Tensor)
    return bool(((plain >= 0) & (plain < torch.tensor([W, H]))).all())


@quick
@given(crowds(), st.integers(1, 2000), st.integers(1, 2000), st.integers(0, 99))
def test_torchvision_transforms_lose_no_head(points: Points, height: int, width: int, border: int) -> None:
    image = torch.zeros(1, 1, 1).expand(1, *points.canvas_size)
    for transform in (
        v2.RandomHorizontalFlip(1.0),
        v2.RandomVerticalFlip(1.0),
        v2.Resize((height, width)),
        v2.Pad(border),
        v2.Pad([border, 3, 0, 1]),
    ):
        moved = transform(points)
        assert type(moved) is Points
        assert len(moved) == len(points)
        assert on_canvas(moved)
    assert F.resize(points, [7], max_size=5000).canvas_size == tuple(
        F.resize(image, [7], max_size=5000).shape[-2:]
    )


@quick
@given(crowds())
def test_a_flipped_head_lies_in_the_flipped_pixel(points: Points) -> None:
    H, W = points.canvas_size
    plain = points.as_subclass(torch.Tensor)
    flipped = F.vertical_flip(F.horizontal_flip(points)).as_subclass(torch.Tensor)
    assert torch.equal(flipped.floor(), torch.tensor([W - 1, H - 1]) - plain.floor())


@pytest.mark.skipif(not hasattr(v2, "SanitizeKeyPoints"), reason="this torchvision has no SanitizeKeyPoints")
def test_a_whole_pipeline_keeps_the_heads_in_the_window() -> None:
    points = Points(torch.rand(500, 2) * torch.tensor([40.0, 30.0]), canvas_size=(30, 40))
    pipeline = v2.Compose([v2.RandomHorizontalFlip(1.0), v2.RandomCrop((15, 20)), v2.SanitizeKeyPoints()])
    _, kept = pipeline(torch.zeros(3, 30, 40), points)
    assert type(kept) is Points
    assert kept.canvas_size == (15, 20)
    assert 50 < len(kept) < 250


def test_copies_stay_points() -> None:
    points = Points([[1.5, 2.5]], canvas_size=(4, 6))
    for copy in (points.clone(), points.to(torch.float64), pickle.loads(pickle.dumps(points))):
        assert type(copy) is Points
        assert copy.canvas_size == (4, 6)
    assert F.horizontal_flip(points.clone()).tolist() == [[4.5, 2.5]]
