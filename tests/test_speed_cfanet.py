"""The speed benchmarks of CFANet run on tiny settings, and their baseline is CFANet."""

import pytest
import torch

from benchmarks.speed import cfanet, training
from benchmarks.speed.case import measure
from benchmarks.speed.plain_cfanet import plain_cfanet
from benchmarks.speed.render import line
from crowdkit.models import create_model

CPU = torch.device("cpu")


def test_inference_row() -> None:
    found = [measure(case, device=CPU, turns=1) for case in cfanet.cases(CPU, size=(16, 24))]
    assert len(found) == 4
    for each in found:
        assert each.row == 3
        assert each.ratio is not None
        assert each.name in line(each)
    for each in found[::2]:
        assert each.agreement["cells"] < 1e-4
        assert each.agreement["count"] < 1e-5
    for each in found[1::2]:  # bfloat16, both against float32
        assert 0 < each.agreement["cells"] < 2 * each.agreement["the baseline's cells"] < 0.1


def test_training_row() -> None:
    exact, low = (measure(case, device=CPU, turns=1) for case in training.cases(CPU, size=(16, 24)))
    assert exact.row == low.row == 4
    assert exact.agreement["loss"] < 1e-5
    assert exact.agreement["gradients"] < 1e-3
    assert low.agreement["loss"] < 1e-2


@pytest.mark.parametrize("deep_skip", [False, True])
def test_the_baseline_gives_all_that_the_model_gives(deep_skip: bool) -> None:
    torch.manual_seed(0)
    model = create_model("cfanet", init="kaiming", deep_skip=deep_skip)
    images = torch.rand(1, 3, 16, 24)
    found, expected = plain_cfanet(model, images, sides=True), model(images)
    for name in ("density", "stages", "region", "level"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-3, atol=1e-5)
    assert plain_cfanet(model, images, sides=False).stages == ()
