"""What every metric of points promises, held against a literal table of all of them."""

import copy
import inspect
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.metrics import Localization, LocalizationScores, _localization, localization


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


def plain(preds, targets, threshold, radius=None, pairing=every_pairing) -> np.ndarray:
    """Precision, recall and F1 of sums over the images, one threshold after the other: (3, T)."""
    found, people = sum(map(len, preds)), sum(map(len, targets))
    radius = [np.ones(len(each)) for each in targets] if radius is None else radius
    figures = []
    for each in np.atleast_1d(threshold):
        pairs = [pairing(p, t, each * r) for p, t, r in zip(preds, targets, radius, strict=True)]
        p, r = sum(pairs) / found, sum(pairs) / people
        figures.append((p, r, 2 * p * r / (p + r) if p + r else 0.0))
    return np.array(figures).T


def stacked(scores: LocalizationScores) -> np.ndarray:
    return torch.stack(scores).reshape(3, -1).numpy()


NAMES = {"Localization", "LocalizationScores", "localization"}
# Three points, two heads: one pair within 5 pixels, of the nearer point or the other.
LITERAL = ([[10.0, 10.0], [13.0, 14.0], [90.0, 90.0]], [[10.0, 15.0], [40.0, 40.0]])


def crowd(seed: int, images: int = 3, most: int = 5, side: float = 20.0) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)

    def some() -> Tensor:
        number = int(torch.randint(0, most + 1, (), generator=generator))
        return side * torch.rand(number, 2, generator=generator)

    preds, targets = [some() for _ in range(images)], [some() for _ in range(images)]
    preds[0], targets[0] = torch.rand(2, 2, generator=generator), torch.rand(1, 2, generator=generator)
    return preds, targets


def test_literal():
    pred, target = ([torch.tensor(each)] for each in LITERAL)
    found = stacked(localization(pred, target, threshold=(3.0, 5.0)))
    assert found == pytest.approx(np.array([[0, 1 / 3], [0, 1 / 2], [0, 2 / 5]]))


@pytest.mark.parametrize("threshold", [4.0, [2.0, 5.0, 9.0]], ids=["one", "several"])
@pytest.mark.parametrize("sized", [False, True], ids=["pixels", "radii"])
def test_equals_every_pairing_whatever_the_batches(threshold, sized):
    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 999), images=st.integers(1, 4))
    def check(seed, images):
        preds, targets = crowd(seed, images)
        radius = [0.3 + torch.rand(len(each)) for each in targets] if sized else None
        metric = Localization(threshold=threshold)
        middle = images // 2
        for part in (slice(0, middle), slice(middle, None)):
            metric.update(preds[part], targets[part], radius=None if radius is None else radius[part])
        sizes = None if radius is None else [each.double().numpy() for each in radius]
        arrays = [[each.double().numpy() for each in points] for points in (preds, targets)]
        expected = plain(*arrays, threshold, sizes)
        assert stacked(metric.compute()) == pytest.approx(expected, abs=1e-12)

    check()


def test_a_crowd_equals_the_hungarian_algorithm():
    generator = torch.Generator().manual_seed(0)
    heads = 100 * torch.rand(150, 2, generator=generator, dtype=torch.float64)
    points = heads[:120] + 3 * torch.randn(120, 2, generator=generator, dtype=torch.float64)
    thresholds = [8.0, 3.0, 20.0]
    expected = plain([points.numpy()], [heads.numpy()], thresholds, pairing=hungarian)
    found = stacked(localization([points], [heads], threshold=thresholds))
    assert found == pytest.approx(expected, abs=1e-12)
    for place, threshold in enumerate(thresholds):
        alone = stacked(localization([points], [heads], threshold=threshold))
        assert alone[:, 0] == pytest.approx(expected[:, place], abs=1e-12)


def test_all_thresholds_take_one_matching(monkeypatch):
    matched, calls = _localization.matched_heads, []
    monkeypatch.setattr(
        _localization, "matched_heads", lambda *given_: calls.append(given_[2]) or matched(*given_)
    )
    metric = Localization(threshold=(4.0, 8.0, 16.0))
    metric.update(*crowd(3, images=2))
    metric.compute()
    assert calls == [(4.0, 8.0, 16.0)] * 2


@pytest.mark.parametrize(
    ("threshold", "shape"), [(6.0, ()), ([6.0], ()), ((2.0, 6.0), (2,))], ids=["one", "list", "several"]
)
def test_function_equals_metric(threshold, shape):
    preds, targets = crowd(1)
    metric = Localization(threshold=threshold)
    values = metric(preds, targets)
    for found in (localization(preds, targets, threshold=threshold), metric.compute()):
        assert isinstance(found, LocalizationScores)
        torch.testing.assert_close(found, values)
    assert {(each.dtype, each.shape) for each in values} == {(torch.float64, shape)}


def test_signatures_are_one():
    of_function = inspect.signature(localization).parameters
    assert list(of_function) == ["pred", "target", "threshold", "radius"]
    assert all(of_function[name].kind is inspect.Parameter.KEYWORD_ONLY for name in ("threshold", "radius"))
    of_metric = inspect.signature(Localization).parameters
    assert list(of_metric) == ["threshold", "options"]
    assert of_metric["threshold"].default == of_function["threshold"].default
    assert list(inspect.signature(Localization.update).parameters)[1:] == ["pred", "target", "radius"]


def test_states_can_be_summed_across_processes():
    whole, parts = Localization(), [Localization() for _ in range(2)]
    for i, part in enumerate((*parts, parts[0])):
        part.update(*crowd(i))
        whole.update(*crowd(i))
    merged = Localization()
    merged.update(*crowd(9))
    merged.reset()
    for name, reduce in merged._reductions.items():
        setattr(merged, name, reduce(torch.stack([getattr(part, name) for part in parts])))
    merged._update_count = 1
    torch.testing.assert_close(merged.compute(), whole.compute())


def test_reset_copy_and_pickle():
    metric = Localization(threshold=5.0)
    metric.update(*crowd(1))
    first = metric.compute()
    for again in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert np.array_equal(stacked(again.compute()), stacked(first))
    metric.reset()
    metric.update(*crowd(2))
    torch.testing.assert_close(metric.compute(), localization(*crowd(2), threshold=5.0))
    assert not metric.state_dict()


def test_leaves_inputs_and_takes_any_floating_type():
    preds, targets = ([torch.tensor([[2.0, 4.0], [64.0, 32.0]])] for _ in range(2))
    before = preds[0].clone()
    for kind in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        assert localization([preds[0].to(kind)], [targets[0].to(kind)], threshold=1.0) == (1, 1, 1)
    assert torch.equal(preds[0], before)


def test_thresholds_are_inclusive():
    one, other = [torch.tensor([[0.0, 0.0]])], [torch.tensor([[3.0, 4.0]])]
    assert localization(one, other, threshold=5.0).f1 == 1
    assert localization(one, other, threshold=0.5, radius=[torch.tensor([10.0])]).f1 == 1
    assert localization(one, other, threshold=4.999).f1 == 0


def test_pairs_are_the_most_there_can_be():
    # The nearest pair first would leave the other point and the other head alone.
    points, heads = [torch.tensor([[0.0, 0.0], [4.0, 0.0]])], [torch.tensor([[3.0, 0.0], [7.0, 0.0]])]
    assert localization(points, heads, threshold=3.5).f1 == 1


def test_nobody():
    none, one = [torch.zeros(0, 2)], [torch.tensor([[1.0, 1.0]])]
    nothing = localization(none, one)
    assert nothing.precision.isnan()
    assert nothing.recall == nothing.f1 == 0
    false = localization(one, none)
    assert false.recall.isnan()
    assert false.precision == false.f1 == 0
    for empty in (localization(none, none), localization([], [], threshold=(1.0, 2.0))):
        assert all(each.isnan().all() for each in empty)


def test_an_option_with_a_typo_is_refused():
    with pytest.raises((TypeError, ValueError), match="proces_group"):
        Localization(proces_group=None)


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


@pytest.mark.parametrize(("given_", "keywords", "kind", "message"), BAD)
def test_bad_input_is_told_in_words(given_, keywords, kind, message):
    with pytest.raises(kind, match=message):
        Localization().update(*given_, **keywords)
    with pytest.raises(kind, match=message):
        localization(*given_, **keywords)


@pytest.mark.parametrize("threshold", [0.0, -1.0, [], [3.0, float("nan")]])
def test_bad_thresholds_are_told_in_words(threshold):
    with pytest.raises(ArgumentError, match="threshold: expected a finite number > 0"):
        Localization(threshold=threshold)
    with pytest.raises(ArgumentError, match="threshold: expected a finite number > 0"):
        localization([], [], threshold=threshold)
