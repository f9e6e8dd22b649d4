import pytest
import torch
from torch import nn

from crowdkit.errors import ArgumentError, UnknownNameError
from crowdkit.training import OptimConfig, build_optimizer, learning_rate
from crowdkit.training.ema import MovingAverage


def test_halving_happens_at_the_very_epochs_of_the_paper():
    rates = [learning_rate(epoch / 500, lr=2e-5) for epoch in range(500)]
    changes = [epoch for epoch in range(1, 500) if rates[epoch] != rates[epoch - 1]]
    assert changes == [100, 200, 300, 400]
    assert rates[-1] == 2e-5 / 16
    assert learning_rate(1.0, lr=1.0) == 1 / 16


def test_cosine_constant_and_warmup():
    assert learning_rate(0.5, lr=1.0, schedule="cosine") == pytest.approx(0.5)
    assert learning_rate(1.0, lr=1.0, schedule="cosine") == pytest.approx(0.0)
    assert learning_rate(0.9, lr=1.0, schedule="constant") == 1.0
    assert learning_rate(0.0, lr=1.0, schedule="constant", warmup=0.1) == 0.0


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="progress"):
        learning_rate(1.5, lr=1.0)
    with pytest.raises(UnknownNameError, match="schedule"):
        learning_rate(0.5, lr=1.0, schedule="linear")


def test_biases_and_norms_are_not_decayed():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model[0].bias.requires_grad_(False)
    optimizer = build_optimizer(model, OptimConfig(name="adamw", weight_decay=0.1))
    decays = {group["weight_decay"]: len(group["params"]) for group in optimizer.param_groups}
    assert decays == {0.1: 1, 0.0: 2}
    assert isinstance(optimizer, torch.optim.AdamW)


def test_the_average_is_what_its_formula_says():
    model = nn.Linear(1, 1, bias=False)
    average = MovingAverage(model, decay=0.5)
    expected = model.weight.item()
    for step, value in enumerate((1.0, 3.0, -2.0, 5.0, 4.0, 2.0, 0.0)):
        nn.init.constant_(model.weight, value)
        average.update(model)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert average.module.weight.item() == pytest.approx(expected)
    other = MovingAverage(nn.Linear(1, 1, bias=False), decay=0.5)
    other.load_state_dict(average.state_dict())
    assert other.steps == 7
    assert other.module.weight.item() == pytest.approx(expected)


def test_the_average_follows_norms_and_their_counters():
    model = nn.BatchNorm1d(2)
    average = MovingAverage(model, decay=0.9)
    model(torch.randn(8, 2))
    average.update(model)
    assert int(average.module.num_batches_tracked) == 1
    assert not average.module.training
    assert torch.allclose(average.module.running_mean, 0.9 * model.running_mean)
