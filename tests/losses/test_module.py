"""What every loss module gets from :class:`crowdkit.losses._module.LossModule`."""

import inspect
import math
from typing import get_type_hints

import pytest
import torch
from torch import Tensor

from crowdkit import losses
from crowdkit.errors import ArgumentError
from crowdkit.losses import (
    BSL,
    BayesianLoss,
    DensityMSELoss,
    DSNetLoss,
    GraduatedBSL,
    LossModule,
    _maps,
    _settings,
)
from crowdkit.losses._settings import check_settings, checked, positive

PUBLIC = [getattr(losses, name) for name in losses.__all__]
MODULES = [
    each
    for each in PUBLIC
    if inspect.isclass(each) and issubclass(each, LossModule) and each is not LossModule
]
every = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)


@checked(factor=positive)
def scaled_loss(pred: Tensor, *, mask: Tensor | None = None, factor: float = 2.0) -> Tensor:
    kept = pred if mask is None else pred.where(mask, 0)
    return factor * kept.sum()


class ScaledLoss(LossModule):
    function = staticmethod(scaled_loss)
    factor: float = 2.0


def test_a_module_is_its_settings_and_its_function():
    loss = ScaledLoss(factor=3.0)
    assert loss(torch.ones(4)) == 12
    assert loss(torch.ones(4), mask=torch.tensor([True, False, False, True])) == 6
    assert (loss.factor, loss.name, loss.needs_points) == (3.0, "scaled", False)
    assert repr(loss) == "ScaledLoss(factor=3.0)"
    assert str(inspect.signature(ScaledLoss)) == "(*, factor: float = 2.0) -> None"
    assert list(inspect.signature(loss.forward).parameters) == ["pred", "mask"]
    with pytest.raises(ArgumentError, match=r"factor: expected a finite number > 0, got -1\.0"):
        ScaledLoss(factor=-1.0)
    with pytest.raises(TypeError, match="masc"):
        loss(torch.ones(4), masc=None)
    with pytest.raises(TypeError, match=r"multiple values.*factor"):
        loss(torch.ones(4), factor=1.0)


def test_a_subclass_may_have_its_own_forward():
    class Halved(ScaledLoss):
        def forward(self, pred: Tensor) -> Tensor:
            return super().forward(pred) / 2

    assert Halved(factor=5.0)(torch.ones(2)) == 5
    assert Halved.name == "scaled"


def test_lists_become_tuples():
    assert DSNetLoss(sizes=[1, 3]).sizes == (1, 3)


def test_points_are_needed_where_the_function_takes_them():
    assert BayesianLoss.needs_points
    assert not BSL.needs_points


def test_progress_is_needed_where_the_function_takes_it():
    assert GraduatedBSL.needs_progress
    assert not BSL.needs_progress


@every
def test_every_number_is_checked(module):
    numbers = [name for name in module.settings if type(getattr(module, name)) in (int, float)]
    numbers += [name for name, kind in get_type_hints(module).items() if kind == float | None]
    assert numbers or module.settings == ("reduction",)
    for name in numbers:
        with pytest.raises(ArgumentError, match=f"{name}: expected .*, got nan"):
            module(**{name: math.nan})
        with pytest.raises(ArgumentError, match=f"{name}: expected .*, got nan"):
            check_settings(module.function, {name: math.nan})


@pytest.mark.parametrize("name", losses.list_losses())
def test_arguments_are_checked_once_a_call(name, monkeypatch):
    loss, checked_maps, checked_settings = losses.create_loss(name), [], []
    original = _settings._check
    monkeypatch.setattr(_settings, "_check", lambda *args: (checked_settings.append(1), original(*args)))
    monkeypatch.setattr(_maps, "check_pair", lambda *maps: checked_maps.append(maps))
    pred = torch.rand(2, 1, 16, 16)
    progress = {"progress": 0.5} if loss.needs_progress else {}
    if loss.needs_points:
        loss(pred, points=[torch.rand(3, 2) * 16, torch.zeros(0, 2)])
    else:
        loss(pred, torch.rand(2, 1, 16, 16), **progress)
        assert len(checked_maps) == 1
    assert len(checked_settings) == 1


def test_attributes_stay_readable_and_writable():
    loss = DensityMSELoss(stride=8)
    assert loss.stride == 8
    loss.stride = 1
    assert loss(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)) == 1
