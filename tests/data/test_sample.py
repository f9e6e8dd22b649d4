import pytest
import torch

from crowdkit.data import Sample, collate
from crowdkit.errors import ArgumentError, ShapeError


def make(H: int, W: int, heads: int, *, sigma: bool = False) -> Sample:
    return Sample(
        torch.ones(3, H, W), torch.ones(heads, 2), {"name": "a"}, torch.ones(heads) if sigma else None
    )


def test_points_stay_a_list() -> None:
    batch = collate([make(4, 6, 3), make(4, 6, 0)])
    assert batch.images.shape == (2, 3, 4, 6)
    assert [len(points) for points in batch.points] == [3, 0]
    assert batch.sigmas is None
    assert batch.metas[0] == {"name": "a", "valid_size": (4, 6)}


def test_padding_is_right_and_bottom_and_zero() -> None:
    batch = collate([make(4, 6, 1, sigma=True), make(5, 3, 2, sigma=True)], pad=True)
    assert batch.images.shape == (2, 3, 5, 6)
    assert batch.images[1, :, :, :3].min() == 1
    assert batch.images[0, :, 4:].abs().sum() + batch.images[1, :, :, 3:].abs().sum() == 0
    assert [meta["valid_size"] for meta in batch.metas] == [(4, 6), (5, 3)]
    assert [len(sigma) for sigma in batch.sigmas or []] == [1, 2]


def test_different_sizes_are_told() -> None:
    with pytest.raises(ShapeError, match="pad=True"):
        collate([make(4, 6, 1), make(5, 6, 1)])


def test_no_samples_and_half_the_sigmas_are_told() -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        collate([])
    with pytest.raises(ArgumentError, match="1 of 2"):
        collate([make(4, 4, 1, sigma=True), make(4, 4, 1)])


def test_to_moves_every_tensor() -> None:
    batch = collate([make(4, 6, 1, sigma=True)]).to("meta")
    assert {batch.images.device.type, batch.points[0].device.type} == {"meta"}
    assert batch.sigmas is not None
    assert batch.sigmas[0].device.type == "meta"


def test_regions_of_interest_are_joined_and_do_not_reach_into_padding() -> None:
    one, two = (make(*size, 0)._replace(roi=torch.ones(size, dtype=torch.bool)) for size in ((4, 6), (5, 3)))
    batch = collate([one, two], pad=True)
    assert batch.rois is not None
    assert batch.rois.dtype == torch.bool
    assert batch.rois.shape == (2, 1, 5, 6)
    assert batch.rois.sum(dim=(1, 2, 3)).tolist() == [24, 15]
    assert batch.rois[1, 0, :, :3].all()
    moved = batch.to("meta").rois
    assert moved is not None
    assert moved.device.type == "meta"
    assert collate([make(4, 6, 1)]).rois is None
    with pytest.raises(ArgumentError, match="roi in all or none, got one in 1 of 2"):
        collate([one, make(4, 6, 0)])
