"""What every metric of clips promises, held against a literal table of all of them."""

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor
from torchmetrics import Metric

from crowdkit.data import WalkingCrowd
from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.metrics import (
    MIAE,
    MOAE,
    CountMAE,
    Flicker,
    TemporalMAE,
    flicker,
    miae,
    moae,
    temporal_mae,
)

# ---- plain numpy over a list of clips --------------------------------------------------------------


def plain_temporal(clips):
    total = seconds = 0.0
    for pred, target, times in clips:
        for i in range(len(times)):
            last = i + 1 == len(times)
            held = (times[-1] - times[0]) / (len(times) - 1) if last else times[i + 1] - times[i]
            total += held * abs(pred[i] - target[i])
            seconds += held
    return total / seconds


def plain_flicker(clips):
    moved, truly = (
        sum(
            abs(series[i + 1] - series[i])
            for clip in clips
            for series in [clip[part]]
            for i in range(len(series) - 1)
        )
        for part in (0, 1)
    )
    return moved / truly


def plain_mean(clips):
    return np.mean([abs(p - t) for pred, target, _ in clips for p, t in zip(pred, target, strict=True)])


@dataclass(frozen=True)
class Case:
    metric: Callable[..., Metric]
    function: Callable[..., Tensor]
    plain: Callable[..., float]
    literal: tuple[list[float], list[float], float]
    timed: bool = False

    def __str__(self) -> str:
        return self.metric.__name__


CASES = (
    Case(TemporalMAE, temporal_mae, plain_temporal, ([1.0, 4.0, 4.0], [2.0, 2.0, 4.0], 1.0), timed=True),
    Case(Flicker, flicker, plain_flicker, ([1.0, 4.0, 2.0], [2.0, 4.0, 4.0], 2.5)),
    Case(MIAE, miae, plain_mean, ([1.0, 4.0], [2.0, 2.0], 1.5)),
    Case(MOAE, moae, plain_mean, ([1.0, 4.0], [2.0, 2.0], 1.5)),
)
every = pytest.mark.parametrize("case", CASES, ids=str)


def clip(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    length = int(torch.randint(2, 9, (), generator=generator))
    pred, target = 20 * torch.rand(2, length, generator=generator, dtype=torch.float64)
    return pred, target, (0.1 + torch.rand(length, generator=generator, dtype=torch.float64)).cumsum(0)


def given_to(case: Case, part: tuple[Tensor, Tensor, Tensor]) -> tuple[tuple[Tensor, ...], dict[str, Any]]:
    return part[:2], {"times": part[2]} if case.timed else {}


def update(case: Case, metric: Metric, part: tuple[Tensor, Tensor, Tensor]) -> None:
    arguments, keywords = given_to(case, part)
    metric.update(*arguments, **keywords)


@every
def test_literal(case):
    pred, target, expected = case.literal
    assert case.function(torch.tensor(pred), torch.tensor(target)).item() == pytest.approx(expected)


@every
def test_equals_the_plain_way_over_several_clips(case):
    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.integers(0, 999), min_size=1, max_size=4))
    def check(seeds):
        metric, parts = case.metric(), [clip(seed) for seed in seeds]
        for part in parts:
            update(case, metric, part)
        expected = case.plain([[each.tolist() for each in part] for part in parts])
        assert metric.compute().item() == pytest.approx(expected, rel=1e-9)

    check()


@every
def test_function_equals_metric(case):
    metric = case.metric()
    arguments, keywords = given_to(case, clip(1))
    value = metric(*arguments, **keywords)
    torch.testing.assert_close(case.function(*arguments, **keywords), value)
    torch.testing.assert_close(metric.compute(), value)
    assert (value.dtype, value.shape) == (torch.float64, ())


@every
def test_signatures_are_one(case):
    of_function = inspect.signature(case.function).parameters
    assert list(of_function) == ["pred", "target"] + ["times"] * case.timed
    assert all(of_function[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(of_function)[2:])
    assert list(inspect.signature(case.metric).parameters) == ["options"]
    assert list(inspect.signature(case.metric.update).parameters)[1:] == list(of_function)


@every
def test_states_can_be_summed_across_processes(case):
    whole, parts = case.metric(), [case.metric() for _ in range(2)]
    for seed, part in enumerate((*parts, parts[0])):
        update(case, part, clip(seed))
        update(case, whole, clip(seed))
    merged = case.metric()
    update(case, merged, clip(9))
    merged.reset()
    for name, reduce in merged._reductions.items():
        setattr(merged, name, reduce(torch.stack([getattr(part, name) for part in parts])))
    merged._update_count = 1
    torch.testing.assert_close(merged.compute(), whole.compute())


@every
def test_reset_copy_and_pickle(case):
    metric = case.metric()
    update(case, metric, clip(1))
    first = metric.compute()
    for again in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert torch.equal(again.compute(), first)
    metric.reset()
    update(case, metric, clip(2))
    arguments, keywords = given_to(case, clip(2))
    torch.testing.assert_close(metric.compute(), case.function(*arguments, **keywords))
    assert not metric.state_dict()


@every
def test_leaves_inputs_and_takes_half_precision(case):
    pred, target = torch.tensor([1.0, 4.0, 2.0]), torch.tensor([2.0, 4.0, 8.0])
    before = pred.clone()
    value = case.function(pred.requires_grad_(), target)
    assert torch.equal(pred, before)
    assert not value.requires_grad
    for kind in (torch.bfloat16, torch.float16):
        assert case.function(pred.to(kind), target.to(kind)) == value


@every
def test_an_option_with_a_typo_is_refused(case):
    with pytest.raises((TypeError, ValueError), match="proces_group"):
        case.metric(proces_group=None)


@every
def test_bad_shapes_are_answered_in_words(case):
    metric = case.metric()
    with pytest.raises(ShapeError, match=r"pred: expected .*got \(2, 3\)"):
        metric.update(torch.rand(2, 3), torch.rand(2))
    with pytest.raises(ShapeError, match=r"target: expected 2 .*got 3"):
        metric.update(torch.rand(2), torch.rand(3))


# ---- each on its own -------------------------------------------------------------------------------


def test_even_frames_give_the_mae():
    pred, target, _ = clip(3)
    mae = CountMAE()(pred, target)
    torch.testing.assert_close(temporal_mae(pred, target), mae)
    torch.testing.assert_close(temporal_mae(pred, target, times=0.04 * torch.arange(len(pred))), mae)
    maps = torch.rand(len(pred), 1, 3, 4)
    torch.testing.assert_close(temporal_mae(maps, target), CountMAE()(maps, target))
    assert temporal_mae(pred[:1], target[:1], times=torch.tensor([3.0])) == (pred[0] - target[0]).abs()
    with pytest.raises(ArgumentError, match="times: expected seconds that rise"):
        temporal_mae(pred, target, times=torch.zeros(len(pred)))
    with pytest.raises(ShapeError, match="times: expected one time per frame"):
        temporal_mae(pred, target, times=torch.zeros(1))


def test_flicker_of_a_still_crowd():
    still = torch.full((4,), 7.0)
    assert flicker(torch.tensor([7.0, 8.0, 7.0, 8.0]), still).isinf()
    assert flicker(still, still).isnan()
    assert flicker(still + 50, torch.tensor([1.0, 2.0, 3.0, 4.0])) == 0
    assert flicker(torch.tensor([51.0, 52.0, 53.0, 54.0]), torch.tensor([1.0, 2.0, 3.0, 4.0])) == 1


def test_flows_from_identities():
    before, after = torch.tensor([1, 2, 3, 4]), torch.tensor([3, 4, 5])
    assert miae(torch.tensor([0.0]), [before, after]) == 1
    assert moae(torch.tensor([0.0]), [before, after]) == 2
    assert miae([before, after], [before, after]) == moae([before, after], [before, after]) == 0
    assert miae([before], [before]).isnan()
    with pytest.raises(ArgumentError, match="target: expected everybody once"):
        miae(torch.tensor([0.0]), [before, torch.tensor([1, 1])])
    with pytest.raises(DTypeError, match="pred: expected identities as whole numbers"):
        miae([before.float(), after.float()], [before, after])
    with pytest.raises(ShapeError, match="pred: expected a list of tensors"):
        miae([before[None], after], [before, after])


def test_flows_of_walkers_add_up_to_everybody():
    crowd = WalkingCrowd(size=(120, 200), people=(30, 30), seed=1)
    frames = [crowd.at(0.5 * n).identities for n in range(60)]
    everybody = len(set(torch.cat(frames).tolist()))
    nobody = torch.zeros(len(frames) - 1)
    # The first frame and all who come: how DR.VIC counts the individuals of a video.
    arrived = miae(nobody, frames) * len(nobody)
    left = moae(nobody, frames) * len(nobody)
    # Somebody who steps out of the picture and back is counted again.
    assert everybody <= len(frames[0]) + arrived <= everybody + 6
    assert len(frames[0]) + arrived - left == len(frames[-1])
