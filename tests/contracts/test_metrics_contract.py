"""What every metric promises, held against a literal table of all of them."""

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from test_point_metrics_contract import NAMES as POINT_NAMES
from test_video_metrics_contract import CASES as VIDEO_CASES
from torch import Tensor
from torchmetrics import Metric

from crowdkit import metrics
from crowdkit.errors import ShapeError
from crowdkit.metrics import (
    GAME,
    BackgroundRatio,
    CountMAE,
    CountNAE,
    CountRMSE,
    DensityPSNR,
    DensitySSIM,
    background_share,
    count_mae,
    count_nae,
    count_rmse,
    density_psnr,
    density_ssim,
    game,
)

# ---- plain numpy (and scikit-image) over a list of images ------------------------------------------


def errors(preds: list, targets: list) -> list:
    return [p.sum() - t.sum() for p, t in zip(preds, targets, strict=True)]


def plain_mae(preds, targets):
    return np.mean(np.abs(errors(preds, targets)))


def plain_rmse(preds, targets):
    return np.sqrt(np.mean(np.square(errors(preds, targets))))


def plain_nae(preds, targets):
    pairs = zip(errors(preds, targets), targets, strict=True)
    return np.mean([abs(error) / t.sum() for error, t in pairs if t.sum() > 0])


def plain_game(preds, targets, *, level):
    n = 2**level
    total = 0.0
    for p, t in zip(preds, targets, strict=True):
        rows, columns = ([k * side // n for k in range(n + 1)] for side in p.shape)
        for i in range(n):
            for j in range(n):
                cell = np.s_[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
                total += abs(p[cell].sum() - t[cell].sum())
    return total / len(preds)


def plain_ssim(preds, targets):
    values = []
    for p, t in zip(preds, targets, strict=True):
        peak = max(p.max(), t.max())
        _, full = structural_similarity(
            p / peak,
            t / peak,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        values.append(full[5:-5, 5:-5].mean())
    return np.mean(values)


def plain_psnr(preds, targets):
    values = []
    for p, t in zip(preds, targets, strict=True):
        peak = max(p.max(), t.max())
        values.append(peak_signal_noise_ratio(t / peak, p / peak, data_range=1.0))
    return np.mean(values)


def plain_background(preds, targets, *, threshold=1e-5, stride=1, average="images"):
    outside = [np.maximum(p, 0)[t / stride**2 < threshold].sum() for p, t in zip(preds, targets, strict=True)]
    people = [np.maximum(p, 0).sum() for p in preds]
    if average == "sums":
        return sum(outside) / sum(people)
    return np.mean([o / n for o, n in zip(outside, people, strict=True)])


@dataclass(frozen=True)
class Case:
    metric: Callable[..., Metric]
    function: Callable[..., Tensor]
    plain: Callable[..., float]
    literal: tuple[Any, Any, float]
    keywords: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-9

    def __str__(self) -> str:
        return self.metric.__name__ + "".join(f"-{value}" for value in self.keywords.values())


HERE, THERE = [[1.0, 0.0, 0.0, 3.0]], [[2.0, 0.0, 4.0, 0.0]]
CASES = (
    Case(CountMAE, count_mae, plain_mae, (HERE, THERE, 2.0)),
    Case(CountRMSE, count_rmse, plain_rmse, (HERE, THERE, 2.0)),
    Case(CountNAE, count_nae, plain_nae, (HERE, THERE, 1 / 3)),
    Case(GAME, game, plain_game, (HERE, THERE, 2.0), {"level": 0}),
    Case(GAME, game, plain_game, (HERE, THERE, 1.0 + 1.0), {"level": 1}),
    Case(GAME, game, plain_game, (HERE, THERE, 1.0 + 4.0 + 3.0), {"level": 3}),
    Case(
        DensitySSIM,
        density_ssim,
        plain_ssim,
        ([[1.0] * 11] * 11, [[0.5] * 11] * 11, 1.0001 / 1.2501),
        tolerance=1e-5,
    ),
    Case(DensityPSNR, density_psnr, plain_psnr, ([[9.0, 10.0]], [[10.0, 9.0]], 20.0)),
    Case(BackgroundRatio, background_share, plain_background, (HERE, THERE, 0.75)),
    Case(
        BackgroundRatio,
        background_share,
        plain_background,
        (HERE, THERE, 0.75),
        {"threshold": 0.01, "stride": 2, "average": "sums"},
    ),
)
every = pytest.mark.parametrize("case", CASES, ids=str)


def maps(batch: int, size: tuple[int, int] = (23, 30), seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pred = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64) - 0.1
    target = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64)
    target[..., : size[1] // 3] = 0
    return pred, target


def test_every_public_name_has_a_row():
    rows = {each.__name__ for case in (*CASES, *VIDEO_CASES) for each in (case.metric, case.function)}
    assert rows | POINT_NAMES == set(metrics.__all__)


@every
def test_literal(case):
    pred, target, expected = case.literal
    pred, target = torch.tensor(pred)[None, None], torch.tensor(target)[None, None]
    assert case.function(pred, target, **case.keywords).item() == pytest.approx(expected, rel=1e-5)


@every
def test_equals_the_plain_way_whatever_the_batches(case):
    @settings(max_examples=10, deadline=None)
    @given(batches=st.lists(st.integers(1, 3), min_size=1, max_size=3), seed=st.integers(0, 99))
    def check(batches, seed):
        images = [maps(1, (11 + 5 * i, 30 - 3 * i), seed + i) for i in range(len(batches))]
        metric = case.metric(**case.keywords)
        preds, targets = [], []
        for size, (pred, target) in zip(batches, images, strict=True):
            pred, target = pred.repeat(size, 1, 1, 1), target.repeat(size, 1, 1, 1)
            pred *= torch.arange(1, size + 1)[:, None, None, None]
            metric.update(pred, target)
            preds += list(pred[:, 0].numpy())
            targets += list(target[:, 0].numpy())
        assert metric.compute().item() == pytest.approx(
            case.plain(preds, targets, **case.keywords), rel=case.tolerance, abs=case.tolerance
        )

    check()


@every
def test_function_equals_metric(case):
    pred, target = maps(3)
    metric = case.metric(**case.keywords)
    value = metric(pred, target)
    torch.testing.assert_close(case.function(pred, target, **case.keywords), value)
    torch.testing.assert_close(metric.compute(), value)
    assert value.dtype == torch.float64
    assert value.shape == ()


@every
def test_signatures_are_one(case):
    of_function = list(inspect.signature(case.function).parameters.values())
    of_metric = [
        each for each in inspect.signature(case.metric).parameters.values() if each.name != "options"
    ]
    assert [each.name for each in of_function[:2]] == ["pred", "target"]
    assert all(each.kind is each.KEYWORD_ONLY for each in of_function[2:])
    assert [(each.name, each.default) for each in of_function[2:]] == [
        (each.name, each.default) for each in of_metric
    ]


@every
def test_states_can_be_summed_across_processes(case):
    # What torchmetrics does under DDP: states gathered, stacked and reduced by dist_reduce_fx.
    whole = case.metric(**case.keywords)
    parts = [case.metric(**case.keywords) for _ in range(2)]
    for i, part in enumerate((*parts, parts[0])):
        pred, target = maps(i + 1, seed=i)
        part.update(pred, target)
        whole.update(pred, target)
    merged = case.metric(**case.keywords)
    merged.update(*maps(1, seed=9))
    merged.reset()
    for name, reduce in merged._reductions.items():
        setattr(merged, name, reduce(torch.stack([getattr(part, name) for part in parts])))
    merged._update_count = 1
    torch.testing.assert_close(merged.compute(), whole.compute())


@every
def test_reset_copy_and_pickle(case):
    metric = case.metric(**case.keywords)
    metric.update(*maps(2, seed=1))
    first = metric.compute()
    for again in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert torch.equal(again.compute(), first)
    metric.reset()
    metric.update(*maps(1, seed=2))
    torch.testing.assert_close(metric.compute(), case.function(*maps(1, seed=2), **case.keywords))
    assert not metric.state_dict()


@every
def test_leaves_inputs_and_needs_no_gradient(case):
    pred, target = maps(2)
    before = pred.clone(), target.clone()
    metric = case.metric(**case.keywords)
    metric.update(pred.requires_grad_(), target)
    assert torch.equal(pred, before[0])
    assert torch.equal(target, before[1])
    assert not metric.total.requires_grad


@every
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_maps_and_autocast(case, half):
    pred, target = maps(1, (40, 50))
    pred, target = (pred * 100).to(half), (target * 100).to(half)
    with torch.autocast("cpu", dtype=half):
        value = case.function(pred, target, **case.keywords)
    expected = case.function(pred.double(), target.double(), **case.keywords)
    assert value.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-7)


@every
def test_an_option_with_a_typo_is_refused(case):
    with pytest.raises((TypeError, ValueError), match="proces_group"):
        case.metric(**case.keywords, proces_group=None)


@every
def test_bad_shapes_are_answered_in_words(case):
    pred, target = maps(2)
    metric = case.metric(**case.keywords)
    with pytest.raises(ShapeError, match=r"pred: expected .*got \(2, 23, 30\)"):
        metric.update(pred[:, 0], target)
    with pytest.raises(ShapeError, match=r"target: expected .*got"):
        metric.update(pred, target[:1])
