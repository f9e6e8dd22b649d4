"""A training step never waits for its device.

Tensors on the device ``meta`` have sizes and no values. Whoever asks for a value (``.item()``, a branch, a mask whose
sum is a size) is refused there, and would wait on a GPU. What comes from the CPU must not be waited for either.
"""

from contextlib import nullcontext

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from crowdkit.data import Batch
from crowdkit.losses import list_losses
from crowdkit.models import create_model, list_models
from crowdkit.runtime import Process
from crowdkit.targets import DensityLevels, adaptive_sigma, density_map
from crowdkit.training import (
    EpochBatches,
    LossConfig,
    Meter,
    ModelConfig,
    OptimConfig,
    RunConfig,
    TrainConfig,
    Trainer,
    build_loss,
    build_optimizer,
)
from crowdkit.training.ema import MovingAverage

META = torch.device("meta")
LITE = {
    "encoder": "test_resnet",
    "encoder_strides": [16, 8, 4],
    "crr_widths": [8] * 3,
    "dle_widths": [8] * 3,
    "dme_widths": [8] * 3,
    "supervision": [1, 2, 3],
}
NARROW = {"crr_widths": (4,) * 4, "dle_widths": (4,) * 4, "dme_widths": (8, 8, 8, 4)}
SMALL = {
    "cfanet": NARROW,
    "marunet": {"bridge": 8, "crr_widths": (8, 8, 8, 8, 4), "widths": (8, 8, 8, 8, 4)},
}
SIZE = (64, 96)


@pytest.fixture(autouse=True)
def _no_autocast(monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # not for meta


class WaitError(RuntimeError):
    pass


class NoWaiting(TorchDispatchMode):
    """Refuse to bring numbers to the device in a way that waits until they are there."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        name = func._schema.name
        if name in ("aten::_to_copy", "aten::copy_"):
            given = dict(zip((each.name for each in func._schema.arguments), args, strict=False))
            given |= kwargs or {}
            source = given.get("src", args[0])
            if source.device != found.device and not given.get("non_blocking", False):
                raise WaitError(f"{name} from {source.device} to {found.device} waits")
        return found


def batch(stride, heads=(7, 0)):
    points = [torch.rand(number, 2) * torch.tensor([SIZE[1], SIZE[0]]) for number in heads]
    maps = [density_map(each, SIZE, sigma=adaptive_sigma(each), stride=stride)[None] for each in points]
    return Batch(torch.rand(len(heads), 3, *SIZE), points, None, [{}] * len(heads), density=torch.stack(maps))


class NoMaking(TorchFunctionMode):
    """Refuse tensors made of Python's numbers on the device: some versions of torch copy them out of sight."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor) and torch.device(kwargs.get("device") or "cpu") == META:
            raise WaitError(f"{func.__name__} waits for a copy to the device")
        return func(*args, **kwargs)


def training(name="cfanet_lite", options=None, *, loss="bsl"):
    """A run on the device without values, made of the parts that a real one is made of."""
    config = TrainConfig(
        model=ModelConfig(name=name, options=options or {}),
        loss=LossConfig(name=loss),
        optim=OptimConfig(clip_norm=1.0, ema_decay=0.9),
        run=RunConfig(device="cpu", channels_last=True),
    )
    with META:
        model = create_model(name, **(options or {}))
    levels = DensityLevels([1e-5, 1e-4, 1e-3, 1e-2, 1e-1]) if model.config.get("dle") else None
    criterion = build_loss(config.loss, stride=model.stride, levels=levels).to(META)
    model.train()
    return Trainer(
        config=config,
        process=Process(0, 1, META),
        model=model,
        network=model,
        average=MovingAverage(model, decay=0.9),
        optimizer=build_optimizer(model, config.optim),
        scaler=torch.amp.GradScaler("cpu", enabled=False),
        loss=criterion,
        batches=EpochBatches(8, batch_size=2, seed=0),
        loader=None,
        meter=Meter(META),
    )


def take_steps(run, steps=2):
    for _ in range(steps):  # the first makes the optimizer's state
        given = batch(run.model.stride)
        with NoWaiting(), NoMaking():
            run.step(given)
    assert all(each.device == META for each in run.model.parameters())


@pytest.mark.parametrize("loss", list_losses())
def test_with_any_loss(loss):
    take_steps(training(options=LITE, loss=loss))


@pytest.mark.parametrize("name", sorted(set(list_models()) - {"cfanet_lite", "sfcn_resnet101"}))
def test_with_any_network(name):
    take_steps(training(name, SMALL.get(name)))


def look(run):
    run.loss.register_forward_hook(lambda *given: float(given[-1]))


def branch(run):
    run.loss.register_forward_hook(lambda *given: given[-1] * 2 if given[-1] > 0 else given[-1])


def select(run):
    run.model.register_forward_hook(lambda *given: given[-1].density[given[-1].density > 0] and None)


def bring(run):
    run.model.register_forward_hook(lambda *given: given[-1].density.mul_(torch.ones(1).to(META)) and None)


def make(run):
    run.model.register_forward_hook(lambda *_: (torch.tensor([0.5, 1.0], device=META), None)[1])


def fetch(run):
    run.model.register_forward_hook(lambda *given: given[-1].density.cpu() and None)


@pytest.mark.parametrize("spoil", [look, branch, select, bring, make, fetch])
def test_what_waits_is_noticed(spoil):
    run = training(options=LITE, loss="mse")
    spoil(run)
    with pytest.raises((RuntimeError, NotImplementedError), match=r"wait|meta"):
        take_steps(run)
