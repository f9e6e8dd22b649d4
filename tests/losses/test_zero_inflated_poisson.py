"""The zero-inflated Poisson loss: it takes four maps, so its promises are held here and not in the table."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn

from crowdkit.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError
from crowdkit.layers import ZIPHead
from crowdkit.losses import ZeroInflatedPoissonLoss, zero_inflated_poisson_loss
from crowdkit.ops import dot_map
from crowdkit.prediction import BlockCounts


def naive(estimate: BlockCounts, target: Tensor, *, bins=(1, 2, 3, 4), weights=(1.0, 1.0, 1.0)) -> float:
    """One image, one block at a time, probabilities as they are written."""
    zero, logits, rate, density, y = (each.numpy()[0] for each in (*estimate, target))
    likelihood = entropy = 0.0
    for i, j in np.ndindex(*y.shape[1:]):
        pi = np.exp(zero[:, i, j]) / np.exp(zero[:, i, j]).sum()
        lam, people = rate[0, i, j], y[0, i, j]
        if people == 0:
            likelihood -= math.log(pi[0] + pi[1] * math.exp(-lam))
            continue
        likelihood -= math.log(pi[1]) + people * math.log(lam + 1e-8) - lam
        shares = np.exp(logits[:, i, j]) / np.exp(logits[:, i, j]).sum()
        entropy -= math.log(shares[max(k for k, low in enumerate(bins) if people >= low)])
    return weights[0] * likelihood + weights[1] * entropy + weights[2] * abs(density.sum() - y.sum())


def blocks(
    batch: int, size: tuple[int, int], dtype: torch.dtype = torch.float32, seed: int = 0, bins: int = 4
) -> tuple[BlockCounts, Tensor]:
    """Four maps that do not depend on each other, and a target with every count up to 6 and many zeros."""
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(batch, 2 + bins + 2, *size, generator=generator, dtype=torch.float64)
    estimate = BlockCounts(draw[:, :2] * 2, draw[:, 2:-2], draw[:, -2:-1].exp(), draw[:, -1:].abs() * 0.5)
    target = torch.randint(-6, 7, (batch, 1, *size), generator=generator).clamp(min=0)
    return BlockCounts(*(each.to(dtype) for each in estimate)), target.to(dtype)


def each_image(estimate: BlockCounts, index: int) -> BlockCounts:
    return BlockCounts(*(part[index : index + 1] for part in estimate))


@pytest.mark.parametrize("bins", [(1, 2, 3, 4), (1, 3, 6)])
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.5, 0.0, 2.0), (0.0, 3.0, 0.0)])
def test_function_equals_module_and_naive_formula(bins, weights):
    estimate, target = blocks(3, (5, 7), torch.float64, bins=len(bins))
    keywords = dict(zip(("poisson_weight", "bin_weight", "count_weight"), weights, strict=True), bins=bins)
    values = zero_inflated_poisson_loss(estimate, target, reduction="none", **keywords)
    for i in range(3):
        expected = naive(each_image(estimate, i), target[i : i + 1], bins=bins, weights=weights)
        assert values[i].item() == pytest.approx(expected, rel=1e-12)
    for reduction, expected in (("none", values), ("mean", values.mean()), ("sum", values.sum())):
        module = ZeroInflatedPoissonLoss(reduction=reduction, **keywords)
        torch.testing.assert_close(module(estimate, target), expected, rtol=1e-13, atol=0)


def test_signatures_are_one():
    of_function = list(inspect.signature(zero_inflated_poisson_loss).parameters.values())
    of_module = list(inspect.signature(ZeroInflatedPoissonLoss).parameters.values())
    of_call = list(inspect.signature(ZeroInflatedPoissonLoss.forward).parameters.values())
    assert [each.name for each in of_function[:2]] == [each.name for each in of_call[1:]]
    assert [(e.name, e.kind, e.default) for e in of_function[2:]] == [
        (e.name, e.kind, e.default) for e in of_module
    ]


def test_literal():
    # an empty block, pi even, rate ln 2: -log(1/2 + 1/2 * 1/2); one of 2 people: log 2 - (2 log ln 2 - ln 2),
    # even bins log 4; 1.5 people estimated, 2 there
    estimate = BlockCounts(
        torch.zeros(1, 2, 1, 2),
        torch.zeros(1, 4, 1, 2),
        torch.full((1, 1, 1, 2), math.log(2)),
        torch.full((1, 1, 1, 2), 0.75),
    )
    ln2 = math.log(2)
    expected = math.log(4 / 3) + ln2 - 2 * math.log(ln2) + ln2 + math.log(4) + 0.5
    assert zero_inflated_poisson_loss(estimate, torch.tensor([[[[0.0, 2.0]]]])).item() == pytest.approx(
        expected
    )


def test_likelihood_is_scipys_up_to_its_constant():
    from scipy.stats import poisson

    pi, lam = 0.3, 2.7
    estimate = BlockCounts(
        torch.tensor([math.log(pi), math.log(1 - pi)], dtype=torch.float64).view(1, 2, 1, 1),
        torch.zeros(1, 4, 1, 1),
        torch.full((1, 1, 1, 1), lam, dtype=torch.float64),
        torch.zeros(1, 1, 1, 1),
    )
    for people in range(7):
        value = zero_inflated_poisson_loss(
            estimate, torch.full((1, 1, 1, 1), float(people)), bin_weight=0.0, count_weight=0.0
        ).item()
        mass = (1 - pi) * poisson.pmf(people, lam) + pi * (people == 0)
        assert value + math.lgamma(people + 1) == pytest.approx(-math.log(mass), rel=1e-7)


def test_the_likelihood_is_least_at_the_truth():
    # a histogram as pi0 = 0.7 and rate 2 make it: fitting finds both again
    people = range(12)
    masses = [0.3 * math.exp(-2) * 2**y / math.factorial(y) + 0.7 * (y == 0) for y in people]
    repeats = torch.tensor([round(100_000 * mass) for mass in masses])
    logit = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    log_rate = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    ones = torch.ones(12, 1, 1, 1, dtype=torch.float64)
    target = torch.arange(12.0).view(-1, 1, 1, 1)
    loss = ZeroInflatedPoissonLoss(bin_weight=0.0, count_weight=0.0, reduction="none")
    optimizer = torch.optim.LBFGS([logit, log_rate], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        rate = log_rate.exp() * ones
        estimate = BlockCounts(logit.view(1, 2, 1, 1) * ones, ones.repeat(1, 4, 1, 1), rate, rate)
        value = (loss(estimate, target) * repeats).sum() / repeats.sum()
        value.backward()
        return value

    optimizer.step(closure)
    assert logit.softmax(0)[0].item() == pytest.approx(0.7, abs=1e-3)
    assert log_rate.exp().item() == pytest.approx(2.0, abs=1e-3)


def test_gradcheck():
    estimate, target = blocks(2, (3, 4), torch.float64)
    inputs = tuple(part.requires_grad_() for part in estimate)
    assert torch.autograd.gradcheck(
        lambda *parts: zero_inflated_poisson_loss(BlockCounts(*parts), target, reduction="none"), inputs
    )


@settings(max_examples=15, deadline=None)
@given(
    batch=st.integers(2, 4),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 99),
    which=st.integers(0, 3),
)
def test_batch_independence(batch, height, width, seed, which):
    estimate, target = blocks(batch, (height, width), torch.float64, seed)
    which %= batch
    alone = zero_inflated_poisson_loss(each_image(estimate, which), target[which : which + 1])
    together = zero_inflated_poisson_loss(estimate, target, reduction="none")[which]
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=0)


@pytest.mark.parametrize("logit", [0.0, 30.0, 200.0, 1e4])
@pytest.mark.parametrize("rate", [0.0, 1e-30, 4.0, 1e4])
@pytest.mark.parametrize("nobody", [True, False])
def test_extreme_estimates_stay_finite(logit, rate, nobody):
    signs = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    estimate = BlockCounts(
        (signs * logit).view(1, 2, 1, 2).requires_grad_(),
        (torch.tensor([1.0, -1.0, 1.0, -1.0]).view(1, 4, 1, 1) * logit)
        .expand(1, 4, 1, 2)
        .clone()
        .requires_grad_(),
        torch.full((1, 1, 1, 2), rate, requires_grad=True),
        torch.full((1, 1, 1, 2), rate, requires_grad=True),
    )
    target = torch.zeros(1, 1, 1, 2) if nobody else torch.tensor([[[[2.0, 300.0]]]])
    value = zero_inflated_poisson_loss(estimate, target)
    value.backward()
    assert value.isfinite()
    assert all(part.grad is not None and part.grad.isfinite().all() for part in estimate)


def test_float32_is_as_good_as_float64_where_probabilities_underflow():
    # e^-200 is 0 in float32, and so is the share of empty blocks
    exact = BlockCounts(
        torch.tensor([-200.0, 200.0], dtype=torch.float64).view(1, 2, 1, 1),
        torch.zeros(1, 4, 1, 1),
        torch.full((1, 1, 1, 1), 150.0, dtype=torch.float64),
        torch.zeros(1, 1, 1, 1),
    )
    target = torch.zeros(1, 1, 1, 1)
    assert zero_inflated_poisson_loss(exact, target).item() == pytest.approx(150.0)
    rounded = BlockCounts(*(part.float() for part in exact))
    assert zero_inflated_poisson_loss(rounded, target).item() == pytest.approx(150.0)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("autocast", [True, False])
def test_half_precision(half, autocast):
    estimate, target = blocks(2, (40, 50), half)
    expected = zero_inflated_poisson_loss(BlockCounts(*(part.float() for part in estimate)), target)
    parts = BlockCounts(*(part.requires_grad_() for part in estimate))
    with torch.autocast("cpu", dtype=half, enabled=autocast):
        value = zero_inflated_poisson_loss(parts, target)
        value.backward()
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)
    assert all(part.grad.dtype == half and part.grad.isfinite().all() for part in parts)


class Step(nn.Module):
    """A head and its loss, whole."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.loss = ZIPHead(3), ZeroInflatedPoissonLoss()

    def forward(self, features: Tensor, points: Tensor) -> Tensor:
        height, width = features.shape[-2:]
        return self.loss(self.head(features), dot_map(points, (8 * height, 8 * width), stride=8)[None, None])


def test_head_and_loss_compile_as_one_graph_and_export():
    torch.manual_seed(0)
    step, features, points = Step(), torch.rand(1, 3, 4, 5), torch.rand(9, 2) * 30
    expected = step(features, points)
    expected.backward()
    before = {name: each.grad.clone() for name, each in step.named_parameters()}
    step.zero_grad()
    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    value = compiled(features, points)
    value.backward()
    torch.testing.assert_close(value, expected)
    for name, each in step.named_parameters():
        torch.testing.assert_close(each.grad, before[name])
    program = torch.export.export(step, (features, points))
    torch.testing.assert_close(program.module()(features * 0.5, points), step(features * 0.5, points))


def test_a_head_learns_to_count_by_blocks():
    torch.manual_seed(0)
    target = torch.randint(-8, 5, (1, 1, 6, 8)).clamp(min=0).float()
    features = torch.cat([(target == people).float() for people in range(5)], dim=1)
    head, loss = ZIPHead(5), ZeroInflatedPoissonLoss()
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        loss(head(features), target).backward()
        optimizer.step()
    density = head(features).density.detach()
    assert float(density.sum()) == pytest.approx(float(target.sum()), rel=0.05)
    assert float(density[target == 0].sum()) < 0.05 * float(target.sum())


def test_inputs_stay_copies_and_pickles():
    estimate, target = blocks(2, (3, 4))
    before = [part.clone() for part in (*estimate, target)]
    loss = ZeroInflatedPoissonLoss(bins=[1, 2, 3, 4], reduction="sum")
    value = loss(estimate, target)
    assert all(torch.equal(*pair) for pair in zip(before, (*estimate, target), strict=True))
    assert not loss.state_dict()
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert torch.equal(again(estimate, target), value)
    assert "bins=(1, 2, 3, 4)" in repr(loss)
    assert "reduction='sum'" in repr(loss)


def test_bad_input_is_answered_in_words():
    estimate, target = blocks(2, (3, 4))
    loss = ZeroInflatedPoissonLoss()
    with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
        ZeroInflatedPoissonLoss(reduction="maen")
    for bins in ((), (0, 1), (1, 1), (1, 3, 2), (1, 2.5), (2, 3)):
        with pytest.raises(ArgumentError, match="bins: expected whole numbers that rise from 1"):
            ZeroInflatedPoissonLoss(bins=bins)
        with pytest.raises(ArgumentError, match="bins: expected whole numbers that rise from 1"):
            ZIPHead(3, bins=bins)
    for name in ("poisson_weight", "bin_weight", "count_weight"):
        with pytest.raises(ArgumentError, match=f"{name}: expected a finite number >= 0, got -1"):
            zero_inflated_poisson_loss(estimate, target, **{name: -1.0})
    with pytest.raises(ShapeError, match=r"estimate\.bins: expected \(2, 3, 3, 4\).* got \(2, 4, 3, 4\)"):
        zero_inflated_poisson_loss(estimate, target, bins=(1, 2, 3))
    with pytest.raises(ShapeError, match=r"estimate\.zero: expected \(2, 2, 3, 3\).*dot_map"):
        loss(estimate, target[..., :3])
    with pytest.raises(ShapeError, match=r"target: expected .*got \(2, 3, 4\)"):
        loss(estimate, target[:, 0])
    with pytest.raises(ShapeError, match="at least one image and one cell"):
        loss(BlockCounts(*(part[:0] for part in estimate)), target[:0])
    with pytest.raises(DTypeError, match=r"target: expected .*got torch\.int64"):
        loss(estimate, target.long())
    with pytest.raises(DTypeError, match=r"estimate\.rate: expected a floating-point map, got NoneType"):
        loss(estimate._replace(rate=None), target)
    with pytest.raises(DTypeError, match=r"estimate\.zero: .*got NoneType; pass ZIPHead's output"):
        loss(target, target)
    with pytest.raises(ArgumentError, match=r"estimate\.density: expected device cpu, got meta"):
        loss(estimate._replace(density=estimate.density.to("meta")), target)
