import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from crowdkit.data import Compose, GaussianSigma, HorizontalFlip, Pad, RandomCrop, Resize, Sample, resize
from crowdkit.data.transforms import crop, horizontal_flip, pad
from crowdkit.errors import ArgumentError, ShapeError, UnknownNameError

quick = settings(deadline=None, max_examples=40)


def make(H: int, W: int, points: Tensor, sigma: Tensor | None = None) -> Sample:
    image = torch.rand(3, H, W, generator=torch.Generator().manual_seed(0))
    return Sample(image, points, {"name": "a"}, sigma)


def marked(H: int, W: int, points: Tensor) -> Sample:
    """Points, with an image that is 1 in their pixels and 0 elsewhere."""
    image = torch.zeros(3, H, W)
    image[:, points[:, 1].long(), points[:, 0].long()] = 1
    return Sample(image, points, {"name": "a"}, torch.arange(1.0, 1 + len(points)))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    H, W = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    heads = draw(
        st.lists(
            st.tuples(
                st.floats(0, W, width=32, exclude_max=True) | st.integers(0, W - 1).map(float),
                st.floats(0, H, width=32, exclude_max=True) | st.integers(0, H - 1).map(float),
            ),
            max_size=12,
        )
    )
    return marked(H, W, torch.tensor(heads, dtype=torch.float32).reshape(-1, 2))


def pixels_of(sample: Sample) -> Tensor:
    return sample.image[:, sample.points[:, 1].long(), sample.points[:, 0].long()]


@quick
@given(samples(), st.data())
def test_crop_keeps_exactly_the_heads_in_its_window(sample: Sample, data: st.DataObject) -> None:
    H, W = sample.image.shape[1:]
    top, left = data.draw(st.integers(0, H - 1)), data.draw(st.integers(0, W - 1))
    height, width = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 50))
    result = crop(sample, top=top, left=left, height=height, width=width)
    x, y = sample.points.double().unbind(1)
    stay = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
    assert result.image.shape == (3, height, width)
    assert torch.equal(result.sigma, sample.sigma[stay])
    assert (pixels_of(result) == 1).all()


@quick
@given(samples(), st.integers(1, 17), st.integers(1, 17))
def test_tiles_partition_the_heads(sample: Sample, height: int, width: int) -> None:
    H, W = sample.image.shape[1:]
    tiles = [
        crop(sample, top=top, left=left, height=height, width=width)
        for top in range(0, H, height)
        for left in range(0, W, width)
    ]
    seen = torch.cat([tile.sigma for tile in tiles])
    assert torch.equal(seen.sort().values, sample.sigma)


@quick
@given(samples())
def test_a_flipped_head_lies_in_the_flipped_pixel(sample: Sample) -> None:
    result = horizontal_flip(sample)
    assert torch.equal(result.image, sample.image.flip(-1))
    assert (pixels_of(result) == 1).all()
    assert torch.equal(result.sigma, sample.sigma)


@quick
@given(samples(), *[st.integers(0, 9)] * 4)
def test_pad_keeps_every_head_in_its_pixel(
    sample: Sample, left: int, top: int, right: int, bottom: int
) -> None:
    result = pad(sample, left=left, top=top, right=right, bottom=bottom)
    assert len(result.points) == len(sample.points)
    assert (pixels_of(result) == 1).all()
    assert result.image.sum() == sample.image.sum()


@quick
@given(samples(), st.integers(1, 60), st.integers(1, 60))
def test_resize_keeps_every_head(sample: Sample, height: int, width: int) -> None:
    result = resize(sample, (height, width))
    x, y = result.points.unbind(1)
    assert len(x) == len(sample.points)
    assert ((x >= 0) & (x < width) & (y >= 0) & (y < height)).all()
    assert 0 <= result.image.min() <= result.image.max() <= 1


def test_resize_moves_image_and_heads_alike() -> None:
    image = torch.zeros(3, 40, 60)
    image[:, 10:20, 30:36] = 1
    result = resize(Sample(image, torch.tensor([[33.0, 15.0]]), {}, torch.tensor([6.0])), (20, 30))
    y, x = (result.image[0] > 0.5).nonzero().double().mean(0) + 0.5
    assert result.points.tolist() == [[16.5, 7.5]]
    assert (float(x), float(y)) == (16.5, 7.5)
    assert result.sigma.tolist() == [3.0]


def test_sigma_of_an_uneven_resize_follows_the_area() -> None:
    result = resize(make(40, 40, torch.zeros(1, 2), torch.tensor([4.0])), (10, 40))
    assert result.sigma.tolist() == [2.0]


@pytest.mark.parametrize(
    ("bounds", "size", "expected"),
    [
        ({"short_side_min": 384}, (300, 600), (384, 768)),
        ({"short_side_min": 384}, (400, 600), (400, 600)),
        ({"long_side_max": 1024}, (4096, 1024), (1024, 256)),
        ({"long_side_min": 100, "long_side_max": 200}, (40, 50), (80, 100)),
        ({"long_side_min": 100, "long_side_max": 200}, (150, 400), (75, 200)),
        ({"short_side_min": 100, "long_side_max": 200}, (10, 100), (20, 200)),
        ({"short_side_max": 10}, (20, 30), (10, 15)),
        ({"long_side_max": 4}, (1000, 1), (4, 1)),
        ({"size": (7, 9)}, (20, 30), (7, 9)),
    ],
)
def test_resize_bounds(bounds: dict, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert Resize(**bounds)(make(*size, torch.zeros(0, 2))).image.shape[1:] == expected


def test_random_crop_sizes_and_padding() -> None:
    sample = make(9, 21, torch.tensor([[20.5, 8.5]]))
    assert RandomCrop(0.5)(sample).image.shape == (3, 4, 10)
    large = RandomCrop((32, 16))(make(9, 12, torch.tensor([[11.5, 8.5]])))
    assert large.image.shape == (3, 32, 16)
    assert large.points.tolist() == [[11.5, 8.5]]
    assert large.image[:, 9:].abs().sum() == 0


def test_random_crop_reaches_every_place() -> None:
    generator = torch.Generator().manual_seed(0)
    tops = {
        RandomCrop((4, 4))(make(6, 4, torch.zeros(0, 2)), generator).meta["transforms"][0]["top"]
        for _ in range(50)
    }
    assert tops == {0, 1, 2}


def test_flip_probability() -> None:
    sample = make(4, 4, torch.zeros(0, 2))
    generator = torch.Generator().manual_seed(0)
    flips = sum("transforms" in HorizontalFlip(0.3)(sample, generator).meta for _ in range(1000))
    assert 250 < flips < 350
    assert HorizontalFlip(0.0)(sample) is sample


def test_sigma_is_of_the_whole_image_and_follows_its_head() -> None:
    points = torch.tensor([[2.0, 2.0], [18.0, 18.0], [3.0, 2.0]])
    rule = GaussianSigma(lambda points, size: points[:, 0] + size[0])
    result = crop(rule(make(20, 20, points)), top=0, left=0, height=10, width=10)
    assert result.sigma.tolist() == [22.0, 23.0]
    assert GaussianSigma(15.0)(make(20, 20, points)).sigma.tolist() == [15.0] * 3
    named = GaussianSigma("cfanet-shb")(make(20, 20, points))
    assert named.sigma.tolist() == [15.0] * 3


def test_pad_to_a_multiple() -> None:
    result = Pad(left=1, multiple=8)(make(9, 15, torch.tensor([[14.5, 0.5]])))
    assert result.image.shape == (3, 16, 16)
    assert result.points.tolist() == [[15.5, 0.5]]


def test_what_was_done_is_noted() -> None:
    sample = Compose([Resize(size=(8, 8)), RandomCrop(0.5), HorizontalFlip(1.0)])(
        make(4, 4, torch.zeros(0, 2))
    )
    assert [each["name"] for each in sample.meta["transforms"]] == ["resize", "crop", "horizontal_flip"]
    assert sample.meta["transforms"][0]["old"] == (4, 4)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: RandomCrop(0.0), "fraction in"),
        (lambda: RandomCrop(1.5), "fraction in"),
        (lambda: RandomCrop((0, 4)), "whole pixels >= 1"),
        (lambda: HorizontalFlip(2.0), "probability"),
        (lambda: Resize(), "either size or side bounds"),
        (lambda: Resize(size=(4, 4), short_side_min=3), "either size or side bounds"),
        (lambda: Resize(short_side_min=0), "short_side_min"),
        (lambda: Pad(left=-1), "left"),
        (lambda: Pad(multiple=0), "multiple"),
        (lambda: GaussianSigma(0.0), "above 0"),
    ],
)
def test_bad_arguments_are_told(build, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        build()


def test_unknown_rules_and_wrong_sigmas_are_told() -> None:
    with pytest.raises(UnknownNameError, match="cfanet-shb"):
        GaussianSigma("cfanet-shbb")
    with pytest.raises(ShapeError, match="one sigma for each of 1 heads"):
        GaussianSigma(lambda _points, _size: torch.ones(3))(make(4, 4, torch.zeros(1, 2)))
