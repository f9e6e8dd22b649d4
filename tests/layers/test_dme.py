"""The decoder's look at one stage."""

import pytest
import torch

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.layers import DME


@pytest.mark.parametrize("deep_skip", [False, True])
def test_look_is_what_forward_reads(deep_skip: bool) -> None:
    torch.manual_seed(0)
    dme = DME((8, 6, 4), widths=(7, 5, 3), supervision=(3,), deep_skip=deep_skip)
    features = [torch.randn(2, c, 3 * k, 4 * k) for c, k in ((8, 1), (6, 2), (4, 4))]
    weights = [torch.rand(2, 1, 3 * k, 4 * k) for k in (1, 2, 4)]
    before, after = dme.look(features, weights, stage=3)
    torch.testing.assert_close(after, before * (1 + weights[-1]))
    torch.testing.assert_close(dme.final(after), dme(features, weights)[-1])
    # An earlier stage is not touched by later features.
    first, _ = dme.look(features, weights, stage=1)
    assert first.shape == (2, 7, 3, 4)
    changed = [features[0], *(torch.zeros_like(each) for each in features[1:])]
    assert torch.equal(first, dme.look(changed, weights, stage=1)[0])
    before, after = dme.look(features, [None] * 3, stage=2)
    assert torch.equal(before, after)


def test_look_tells_bad_input() -> None:
    dme = DME((8, 4), widths=(6, 4), supervision=(2,))
    features = [torch.rand(1, 8, 2, 2), torch.rand(1, 4, 4, 4)]
    for stage in (0, 3):
        with pytest.raises(ArgumentError, match=rf"stage: expected one of 1..2, got {stage}"):
            dme.look(features, [None, None], stage=stage)
    with pytest.raises(ShapeError, match="expected 2 of each, got 2, 1"):
        dme.look(features, [None], stage=1)
