"""The largest matching against SciPy's assignment, where SciPy's own matching does not end."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.optimize import linear_sum_assignment

from crowdkit.metrics import Localization
from crowdkit.metrics._matching import matched_heads


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 9999), heads=st.integers(0, 40), points=st.integers(0, 40))
def test_every_threshold_has_the_size_of_an_assignment(seed, heads, points):
    generator = torch.Generator().manual_seed(seed)
    there, found = (30 * torch.rand(n, 2, generator=generator, dtype=torch.float64) for n in (heads, points))
    distance = np.linalg.norm(there.numpy()[:, None] - found.numpy()[None], axis=2)
    thresholds = [7.0, 1.0, 3.0, 15.0, 3.0]
    expected = []
    for threshold in thresholds:
        near = distance <= threshold
        expected.append(int(near[linear_sum_assignment(near, maximize=True)].sum()))
    assert matched_heads(found, there, thresholds) == expected


def test_a_chain_of_exchanges():
    # Each head takes the point of the next, to the end: ten heads, and points between and beyond them.
    heads = torch.stack([torch.arange(10.0), torch.zeros(10)], dim=1)
    points = heads + torch.tensor([0.5, 0.0])
    assert matched_heads(points, heads, [0.5]) == [10]
    assert matched_heads(points[1:], heads, [0.5]) == [9]
    assert matched_heads(torch.cat([points[:-1], points[:1] - torch.tensor([1.0, 0.0])]), heads, [0.5]) == [
        10
    ]


@pytest.mark.parametrize("threshold", [16.0, range(1, 101)])
def test_a_dense_crowd_takes_seconds(threshold):
    generator = torch.Generator().manual_seed(0)
    heads = torch.rand(1500, 2, generator=generator) * torch.tensor([1000.0, 300.0])
    points = heads[:1400] + 4 * torch.randn(1400, 2, generator=generator)
    metric = Localization(threshold=threshold)
    start = time.process_time()
    metric.update([points], [heads])
    assert time.process_time() - start < 20  # one, and minutes where searches are not bounded
    assert 0.85 < float(metric.compute().f1.mean()) < 0.97
