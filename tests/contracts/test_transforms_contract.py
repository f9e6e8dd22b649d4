"""What every transform keeps. A new one needs a row in ``TRANSFORMS``."""

import pickle

import pytest
import torch
from torch import Tensor

import crowdkit.data
from crowdkit.data import (
    Blur,
    ColorJitter,
    Compose,
    GaussianSigma,
    Grayscale,
    HorizontalFlip,
    JPEGCompression,
    LowResolution,
    Noise,
    Pad,
    RandomCrop,
    RandomScaledCrop,
    Resize,
    Sample,
    Transform,
)
from crowdkit.errors import ArgumentError

TRANSFORMS: dict[str, list[Transform]] = {
    "Compose": [
        Compose([]),
        Compose([Resize(size=(50, 30)), RandomCrop(0.5), HorizontalFlip(0.5), Pad(left=3)]),
    ],
    "RandomCrop": [RandomCrop(0.5), RandomCrop(1.0), RandomCrop((16, 24)), RandomCrop((100, 100))],
    "HorizontalFlip": [HorizontalFlip(), HorizontalFlip(1.0), HorizontalFlip(0.0)],
    "Resize": [Resize(size=(31, 77)), Resize(short_side_min=64), Resize(long_side_max=20)],
    "Pad": [Pad(), Pad(left=1, top=2, right=3, bottom=4, fill=0.5), Pad(multiple=32)],
    "GaussianSigma": [GaussianSigma(4.0), GaussianSigma("cfanet-sha")],
    "RandomScaledCrop": [
        RandomScaledCrop((16, 24)),
        RandomScaledCrop((32, 32), scale=(1.0, 1.0)),
        RandomScaledCrop((100, 100), scale=(0.5, 1.5)),
    ],
    "ColorJitter": [ColorJitter(), ColorJitter(1.0)],
    "Grayscale": [Grayscale(), Grayscale(1.0)],
    "Blur": [Blur(), Blur(1.0)],
    "LowResolution": [LowResolution(), LowResolution(1.0)],
    "Noise": [Noise(), Noise(1.0)],
    "JPEGCompression": [JPEGCompression(), JPEGCompression(1.0)],
}
PHOTOMETRIC = ("ColorJitter", "Grayscale", "Blur", "LowResolution", "Noise", "JPEGCompression")
KEEP_ALL = ("HorizontalFlip", "Resize", "Pad", "GaussianSigma", *PHOTOMETRIC)
ROWS = [pytest.param(name, each, id=repr(each)) for name, row in TRANSFORMS.items() for each in row]
ALL = pytest.mark.parametrize(("name", "transform"), ROWS)


def sample(points: Tensor | None = None) -> Sample:
    generator = torch.Generator().manual_seed(3)
    if points is None:
        corners = torch.tensor([[0.0, 0.0], [49.999996, 39.999996], [25.0, 20.0]])
        points = torch.cat([corners, torch.rand(40, 2, generator=generator) * torch.tensor([50.0, 40.0])])
    sigma = torch.arange(1.0, 1 + len(points))
    return Sample(torch.rand(3, 40, 50, generator=generator), points, {"name": "a"}, sigma)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_public_transform_has_a_row() -> None:
    homes = {f"crowdkit.data.{each}" for each in ("transforms", "scaled_crop", "photometric")}
    public = [getattr(crowdkit.data, name) for name in crowdkit.data.__all__ if name != "Points"]
    found = {each.__name__ for each in public if isinstance(each, type) and each.__module__ in homes}
    assert found - {"Transform"} == TRANSFORMS.keys()


@ALL
def test_heads_stay_on_the_canvas_and_are_not_made_up(name: str, transform: Transform) -> None:
    for seed in range(5):
        before, after = sample(), transform(sample(), seeded(seed))
        H, W = after.image.shape[1:]
        assert ((after.points >= 0) & (after.points < torch.tensor([W, H]))).all()
        assert len(after.points) <= len(before.points)
        if name in KEEP_ALL:
            assert len(after.points) == len(before.points)


@ALL
def test_form_is_kept(name: str, transform: Transform) -> None:
    after = transform(sample(), seeded())
    assert isinstance(after, Sample)
    assert after.image.dtype == after.points.dtype == torch.float32
    assert after.image.ndim == 3
    assert 0 <= after.image.min() <= after.image.max() <= 1
    assert after.sigma is not None
    assert after.sigma.shape == (len(after.points),)
    assert after.meta["name"] == "a"


@ALL
def test_inputs_are_unchanged(name: str, transform: Transform) -> None:
    before = sample()
    transform(before, seeded())
    fresh = sample()
    assert torch.equal(before.image, fresh.image)
    assert torch.equal(before.points, fresh.points)
    assert before.meta == fresh.meta


@ALL
def test_an_image_without_people(name: str, transform: Transform) -> None:
    after = transform(sample(torch.zeros(0, 2)), seeded())
    assert after.points.shape == (0, 2)
    assert after.sigma is not None
    assert after.sigma.shape == (0,)


@ALL
def test_sigma_is_not_needed(name: str, transform: Transform) -> None:
    after = transform(sample()._replace(sigma=None), seeded())
    assert (after.sigma is not None) == (name == "GaussianSigma")


@ALL
def test_the_region_of_interest_follows_the_image(name: str, transform: Transform) -> None:
    region = torch.rand(40, 50, generator=seeded(1)) < 0.6
    before = sample()._replace(image=region.float().expand(3, 40, 50), roi=region)
    after = transform(before, seeded())
    assert after.roi is not None
    assert after.roi.dtype == torch.bool
    assert after.roi.shape == after.image.shape[1:]
    if name in PHOTOMETRIC:
        assert torch.equal(after.roi, region)
        return
    clear = after.image[0] != 0.5  # the border of one Pad, or a tie of Resize
    assert torch.equal(after.roi[clear], after.image[0][clear] > 0.5)
    assert transform(sample(), seeded()).roi is None


def test_no_region_of_interest_reaches_beyond_the_image() -> None:
    whole = sample()._replace(roi=torch.ones(40, 50, dtype=torch.bool))
    padded = Pad(left=2, top=3, right=4, bottom=5)(whole)
    assert padded.roi is not None
    assert padded.roi.sum() == 40 * 50
    assert padded.roi[3:43, 2:52].all()
    cut = RandomCrop((64, 64))(whole)
    assert cut.roi is not None
    assert cut.roi.sum() == 40 * 50
    assert cut.roi[:40, :50].all()


@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_a_change_of_the_picture_moves_nobody_and_happens_when_it_should(name: str) -> None:
    kind = getattr(crowdkit.data, name)
    before = sample()
    assert kind(0.0)(before, seeded()) is before
    after = kind(1.0)(before, seeded())
    assert after.points is before.points
    assert after.sigma is before.sigma
    assert after.image.shape == before.image.shape
    assert not torch.equal(after.image, before.image)
    [record] = after.meta["transforms"]
    assert record.pop("name") == name
    assert record.keys() == kind.bounds.keys()
    assert all(low <= record[each] <= high for each, (low, high) in kind.bounds.items())
    changed = sum(kind(0.3)(before, seeded(seed)) is not before for seed in range(200))
    assert 40 <= changed <= 80
    with pytest.raises(ArgumentError, match=r"p: expected a probability"):
        kind(1.5)


@ALL
def test_the_generator_decides(name: str, transform: Transform) -> None:
    one, two = transform(sample(), seeded(5)), transform(sample(), seeded(5))
    assert torch.equal(one.image, two.image)
    assert torch.equal(one.points, two.points)
    torch.manual_seed(5)
    three = transform(sample())
    torch.manual_seed(5)
    assert torch.equal(three.image, transform(sample()).image)


@ALL
def test_pickles(name: str, transform: Transform) -> None:
    again = pickle.loads(pickle.dumps(transform))
    assert torch.equal(again(sample(), seeded()).image, transform(sample(), seeded()).image)
    assert repr(again) == repr(transform)
    assert repr(transform).startswith(name)
