"""The speed benchmarks of targets and BSL run on tiny settings, and their baselines are right."""

import numpy as np
import pytest
import torch

from benchmarks.speed import bsl, targets
from benchmarks.speed.case import measure
from benchmarks.speed.render import line
from crowdkit.losses import BSL
from crowdkit.ops import sum_pool
from crowdkit.targets import density_map

CPU = torch.device("cpu")


def test_targets_row() -> None:
    tiny = {"small": (60, 200, 220), "large": (80, 96, 128), "huge": (90, 128, 160), "batch": (2, 20, 64, 80)}
    found = [measure(case, device=CPU, turns=1) for case in targets.cases(CPU, **tiny)]
    assert len(found) == 6
    for each in found:
        assert each.row == 1
        assert each.agreement["largest cell"] < 1e-5
        assert each.agreement["our count from whole"] < 1e-6
        assert each.name in line(each)
    assert found[0].agreement["counts"] > 0.1  # what the field's filter loses over the border
    assert max(each.agreement["counts"] for each in found[1:]) < 1e-3


def test_bsl_row() -> None:
    for each in (measure(case, device=CPU, turns=1) for case in bsl.cases(CPU, sizes=[(2, 64, 80)])):
        assert each.row == 2
        assert each.agreement["loss"] < 1e-6
        assert each.agreement["gradient"] < 1e-4
        assert each.ratio is not None


@pytest.mark.parametrize("stride", [1, 8])
def test_patches_are_our_maps(stride: int) -> None:
    heads, sigmas = targets.crowd(40, 61, 83)
    expected = density_map(heads, (61, 83), sigma=sigmas, dtype=torch.float64)
    found = targets.patches(heads, sigmas, (61, 83), stride)
    np.testing.assert_allclose(found, sum_pool(expected, stride).numpy(), atol=1e-6)


def test_composed_loss_is_bsl() -> None:
    pred, target = (each.double() for each in bsl.pair(2, (64, 72), CPU))
    torch.testing.assert_close(bsl.composed(pred, target), BSL()(pred, target), rtol=1e-5, atol=1e-6)
