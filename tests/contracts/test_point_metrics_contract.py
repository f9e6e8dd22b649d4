"""What every metric of points promises, held against a literal table of all of them."""

import copy
import inspect
import itertools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torchmetrics import Metric

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.metrics import (
    LocalizationF1,
    LocalizationPrecision,
    LocalizationRecall,
    localization_f1,
    localization_precision,
    localization_recall,
)


def every_pairing(points: np.ndarray, heads: np.ndarray, reach: np.ndarray) -> int:
    """Try all ways to give each of the fewer one of the more, and count those near enough."""
    near = np.linalg.norm(points[:, None] - heads[None], axis=2) <= reach[None]
    if near.shape[0] > near.shape[1]:
        near = near.T
    orders = itertools.permutations(range(near.shape[1]), near.shape[0])
    return max((sum(near[i, j] for i, j in enumerate(order)) for order in orders), default=0)


def hungarian(points: np.ndarray, heads: np.ndarray, reach: np.ndarray) -> int:
    near = np.linalg.norm(points[:, None] - heads[None], axis=2) <= reach[None]
    return int(near[linear_sum_assignment(near, maximize=True)].sum())


def plain(preds, targets, threshold, radius=None, pairing=every_pairing) -> tuple[float, float, float]:
    """Precision, recall and F1, each mean over the thresholds of sums over the images."""
    thresholds = [threshold] if isinstance(threshold, float) else list(threshold)
    found, people = sum(map(len, preds)), sum(map(len, targets))
    radius = [np.ones(len(each)) for each in targets] if radius is None else radius
    precision, recall = [], []
    for each in thresholds:
        pairs = [pairing(p, t, each * r) for p, t, r in zip(preds, targets, radius, strict=True)]
        precision.append(sum(pairs) / found)
        recall.append(sum(pairs) / people)
    p, r = np.mean(precision), np.mean(recall)
    return p, r, 2 * p * r / (p + r) if p + r else 0.0


@dataclass(frozen=True)
class Case:
    metric: Callable[..., Metric]
    function: Callable[..., Tensor]
    place: int  # in what ``plain`` gives
    literal: float

    def __str__(self) -> str:
        return self.metric.__name__


# Three points, two heads: one pair within 5 pixels, of the nearer point or the other.
LITERAL = ([[10.0, 10.0], [13.0, 14.0], [90.0, 90.0]], [[10.0, 15.0], [40.0, 40.0]])
CASES = (
    Case(LocalizationPrecision, localization_precision, 0, 1 / 3),
    Case(LocalizationRecall, localization_recall, 1, 1 / 2),
    Case(LocalizationF1, localization_f1, 2, 2 / 5),
)
every = pytest.mark.parametrize("case", CASES, ids=str)


def crowd(seed: int, images: int = 3, most: int = 5, side: float = 20.0) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)

    def some() -> Tensor:
        number = int(torch.randint(0, most + 1, (), generator=generator))
        return side * torch.rand(number, 2, generator=generator)

    preds, targets = [some() for _ in range(images)], [some() for _ in range(images)]
    preds[0], targets[0] = torch.rand(2, 2, generator=generator), torch.rand(1, 2, generator=generator)
    return preds, targets


@every
def test_literal(case):
    pred, target = ([torch.tensor(each)] for each in LITERAL)
    assert case.function(pred, target, threshold=5.0).item() == pytest.approx(case.literal)
    assert case.function(pred, target, threshold=3.0).item() == 0


@every
@pytest.mark.parametrize("threshold", [4.0, [2.0, 5.0, 9.0]], ids=["one", "several"])
@pytest.mark.parametrize("sized", [False, True], ids=["pixels", "radii"])
def test_equals_every_pairing_whatever_the_batches(case, threshold, sized):
    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 999), images=st.integers(1, 4))
    def check(seed, images):
        preds, targets = crowd(seed, images)
        radius = [0.3 + torch.rand(len(each)) for each in targets] if sized else None
        metric = case.metric(threshold=threshold)
        middle = images // 2
        for part in (slice(0, middle), slice(middle, None)):
            metric.update(preds[part], targets[part], radius=None if radius is None else radius[part])
        sizes = None if radius is None else [each.double().numpy() for each in radius]
        arrays = [[each.double().numpy() for each in points] for points in (preds, targets)]
        expected = plain(*arrays, threshold, sizes)[case.place]
        assert metric.compute().item() == pytest.approx(expected, abs=1e-12)

    check()


@every
def test_a_crowd_equals_the_hungarian_algorithm(case):
    generator = torch.Generator().manual_seed(0)
    heads = 100 * torch.rand(150, 2, generator=generator, dtype=torch.float64)
    points = heads[:120] + 3 * torch.randn(120, 2, generator=generator, dtype=torch.float64)
    for threshold in (3.0, 8.0, 20.0):
        expected = plain([points.numpy()], [heads.numpy()], threshold, pairing=hungarian)[case.place]
        found = case.function([points], [heads], threshold=threshold)
        assert found.item() == pytest.approx(expected, abs=1e-12)


@every
def test_function_equals_metric(case):
    preds, targets = crowd(1)
    metric = case.metric(threshold=6.0)
    value = metric(preds, targets)
    torch.testing.assert_close(case.function(preds, targets, threshold=6.0), value)
    torch.testing.assert_close(metric.compute(), value)
    assert value.dtype == torch.float64
    assert value.shape == ()


@every
def test_signatures_are_one(case):
    of_function = inspect.signature(case.function).parameters
    assert list(of_function) == ["pred", "target", "threshold", "radius"]
    assert all(of_function[name].kind is inspect.Parameter.KEYWORD_ONLY for name in ("threshold", "radius"))
    of_metric = inspect.signature(case.metric).parameters
    assert list(of_metric) == ["threshold", "options"]
    assert of_metric["threshold"].default == of_function["threshold"].default
    assert list(inspect.signature(case.metric.update).parameters)[1:] == ["pred", "target", "radius"]


@every
def test_states_can_be_summed_across_processes(case):
    whole, parts = case.metric(), [case.metric() for _ in range(2)]
    for i, part in enumerate((*parts, parts[0])):
        part.update(*crowd(i))
        whole.update(*crowd(i))
    merged = case.metric()
    merged.update(*crowd(9))
    merged.reset()
    for name, reduce in merged._reductions.items():
        setattr(merged, name, reduce(torch.stack([getattr(part, name) for part in parts])))
    merged._update_count = 1
    torch.testing.assert_close(merged.compute(), whole.compute())


@every
def test_reset_copy_and_pickle(case):
    metric = case.metric(threshold=5.0)
    metric.update(*crowd(1))
    first = metric.compute()
    for again in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert torch.equal(again.compute(), first)
    metric.reset()
    metric.update(*crowd(2))
    torch.testing.assert_close(metric.compute(), case.function(*crowd(2), threshold=5.0))
    assert not metric.state_dict()


@every
def test_leaves_inputs_and_takes_any_floating_type(case):
    preds, targets = ([torch.tensor([[2.0, 4.0], [64.0, 32.0]])] for _ in range(2))
    before = preds[0].clone()
    value = case.function(preds, targets, threshold=1.0)
    assert torch.equal(preds[0], before)
    for kind in (torch.float64, torch.bfloat16, torch.float16):
        assert case.function([preds[0].to(kind)], [targets[0].to(kind)], threshold=1.0) == value == 1


def test_thresholds_are_inclusive():
    one, other = [torch.tensor([[0.0, 0.0]])], [torch.tensor([[3.0, 4.0]])]
    assert localization_f1(one, other, threshold=5.0) == 1
    assert localization_f1(one, other, threshold=0.5, radius=[torch.tensor([10.0])]) == 1
    assert localization_f1(one, other, threshold=4.999) == 0


def test_pairs_are_the_most_there_can_be():
    # The nearest pair first would leave the other point and the other head alone.
    points, heads = [torch.tensor([[0.0, 0.0], [4.0, 0.0]])], [torch.tensor([[3.0, 0.0], [7.0, 0.0]])]
    assert localization_f1(points, heads, threshold=3.5) == 1


def test_nobody():
    none, one = [torch.zeros(0, 2)], [torch.tensor([[1.0, 1.0]])]
    assert localization_precision(none, one).isnan()
    assert localization_recall(none, one) == 0
    assert localization_recall(one, none).isnan()
    assert localization_precision(one, none) == 0
    assert localization_f1(none, one) == localization_f1(one, none) == 0
    assert localization_f1(none, none).isnan()
    assert localization_f1([], []).isnan()


@every
def test_an_option_with_a_typo_is_refused(case):
    with pytest.raises((TypeError, ValueError), match="proces_group"):
        case.metric(proces_group=None)


BAD: tuple[tuple[tuple[Any, Any], dict[str, Any], type, str], ...] = (
    (([torch.rand(3)], [torch.rand(2, 2)]), {}, ShapeError, r"pred: expected \(N, 2\)"),
    (([torch.rand(3, 2)], []), {}, ShapeError, "target: expected 1 images as in pred, got 0"),
    ((torch.rand(3, 2), [torch.rand(2, 2)]), {}, DTypeError, "pred: expected a list"),
    (([torch.ones(3, 2).long()], [torch.rand(2, 2)]), {}, DTypeError, "pred: expected floating-point"),
    (([torch.rand(3, 2)], [torch.rand(2, 2)]), {"radius": [torch.ones(3)]}, ShapeError, "radius: expected"),
    (
        ([torch.rand(3, 2)], [torch.rand(2, 2)]),
        {"radius": [torch.zeros(2)]},
        ArgumentError,
        "radius: expected",
    ),
    (([torch.full((1, 2), torch.nan)], [torch.rand(2, 2)]), {}, ArgumentError, "finite coordinates"),
)


@every
@pytest.mark.parametrize(("given_", "keywords", "kind", "message"), BAD)
def test_bad_input_is_told_in_words(case, given_, keywords, kind, message):
    with pytest.raises(kind, match=message):
        case.metric().update(*given_, **keywords)
    with pytest.raises(kind, match=message):
        case.function(*given_, **keywords)


@every
@pytest.mark.parametrize("threshold", [0.0, -1.0, [], [3.0, float("nan")]])
def test_bad_thresholds_are_told_in_words(case, threshold):
    with pytest.raises(ArgumentError, match="threshold: expected a finite number > 0"):
        case.metric(threshold=threshold)
    with pytest.raises(ArgumentError, match="threshold: expected a finite number > 0"):
        case.function([], [], threshold=threshold)
